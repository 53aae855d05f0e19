/** A generator of random numbers. Seeded with a name, it gives a model the same weights in each build. */
export interface Random {
  /** Returns a uniformly distributed number in [0, 1). */
  next(): number;
  /** Returns normally distributed numbers of mean 0, by the method of Box and Muller. */
  normals(count: number, deviation: number): Float32Array;
  integers(count: number, most: number): Int32Array;
}

/** Creates a generator: Marsaglia's xorshift32, seeded with the FNV-1a hash of the name. */
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
