/** Returns a function that reads the bits of a Redis bitmap, numbered as by GETBIT. Bits beyond its end are 0. */
export function bitReader(bitmap: Buffer | null): (bit: number) => boolean {
  return (bit) => (((bitmap?.[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1;
}
