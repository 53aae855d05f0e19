/**
 * Returns a function that reads the bits of a Redis bitmap. Bits are numbered as by GETBIT. A bit beyond the end of the
 * bitmap is 0.
 */
export function bitReader(bitmap: Buffer | null): (bit: number) => boolean {
  return (bit) => (((bitmap?.[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1;
}
