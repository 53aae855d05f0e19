/** Interleaved bytes with alpha as the last channel. */
interface PixelsWithAlpha {
  data: Uint8Array;
  channels: number;
}

/** Returns a * b / 255, rounded like Pillow's `MULDIV255`. */
export function share(a: number, b: number): number {
  const product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

/** Undoes the multiplication of colours by alpha, in place. Pixels with alpha 0 stay unchanged. */
export function divideByAlpha({ data, channels }: PixelsWithAlpha): void {
  for (let at = 0; at < data.length; at += channels) {
    const alpha = data[at + channels - 1] as number;
    if (alpha === 255 || alpha === 0) continue;
    for (let channel = at; channel < at + channels - 1; channel++) {
      data[channel] = Math.min(Math.trunc((255 * (data[channel] as number)) / alpha), 255);
    }
  }
}
