/** Returns a function that reads bits as GETBIT does. A bit beyond the end is 0. */
export function bitReader(bitmap: Buffer | null): (bit: number) => boolean {
  return (bit) => (((bitmap?.[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1;
}
