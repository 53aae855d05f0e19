/** Reads bits of a Redis bitmap as GETBIT numbers them; what is beyond its end is 0. */
export function bitReader(bitmap: Buffer | null): (bit: number) => boolean {
  return (bit) => (((bitmap?.[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1;
}
