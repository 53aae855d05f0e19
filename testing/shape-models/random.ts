/** Random numbers seeded by a name, so that a model is the same in each build. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Standard normal values, by Box and Muller. */
  normals(count: number, deviation: number): Float32Array;
  /** Integers from -most to most. */
  integers(count: number, most: number): Int32Array;
}

/** Marsaglia's xorshift32, seeded by FNV-1a of the name. */
export function randomFor(name: string): Random {
  let state = 0x811c9dc5;
  for (const byte of Buffer.from(name)) state = Math.imul(state ^ byte, 0x01000193);
  state ||= 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  return {
    next,
    normals: (count, deviation) =>
      Float32Array.from(
        { length: count },
        () => deviation * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
      ),
    integers: (count, most) => Int32Array.from({ length: count }, () => Math.floor(next() * (2 * most + 1)) - most),
  };
}
