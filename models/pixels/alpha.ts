/** Interleaved bytes with alpha as the last channel of each pixel. */
interface PixelsWithAlpha {
  data: Uint8Array;
  channels: number;
}

/** Returns a * b / 255, rounded as Pillow's `MULDIV255` does. */
export function share(a: number, b: number): number {
  const product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

/** Undoes the multiplication of colours by their alpha, in place. A pixel with alpha 0 is not changed. */
export function divideByAlpha({ data, channels }: PixelsWithAlpha): void {
  for (let at = 0; at < data.length; at += channels) {
    const alpha = data[at + channels - 1] as number;
    if (alpha === 255 || alpha === 0) continue;
    for (let channel = at; channel < at + channels - 1; channel++) {
      data[channel] = Math.min(Math.trunc((255 * (data[channel] as number)) / alpha), 255);
    }
  }
}
