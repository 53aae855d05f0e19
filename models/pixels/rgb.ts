import { share } from './alpha.ts';

/**
 * Pillow's names of colour modes, in which OpenCLIP resizes. `L`: grey; `LA`, `RGBA`: with alpha; `P`: palette; `1`:
 * black and white.
 */
export type ColourMode = '1' | 'L' | 'LA' | 'P' | 'RGB' | 'RGBA' | 'CMYK';

/** Interleaved bytes: all channels of a pixel are adjacent. */
export interface Pixels {
  data: Uint8Array;
  channels: number;
}

/** Converts to RGB. Grey fills all channels, alpha is dropped, CMYK is subtracted from white. */
export function toRgb({ data, channels }: Pixels, mode: ColourMode): Pixels {
  if (channels === 3) return { data, channels };
  const rgb = new Uint8Array((data.length / channels) * 3);
  for (let from = 0, to = 0; from < data.length; from += channels, to += 3) {
    for (let channel = 0; channel < 3; channel++) {
      const value = data[channels < 3 ? from : from + channel] as number;
      const light = 255 - (data[from + 3] ?? 0);
      rgb[to + channel] = mode === 'CMYK' ? Math.max(light - share(value, light), 0) : value;
    }
  }
  return { data: rgb, channels: 3 };
}

/** Blends RGBA over white, rounded like Pillow's `alpha_composite`. */
export function overWhite({ data }: Pixels): Pixels {
  const rgb = new Uint8Array((data.length / 4) * 3);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    const alpha = data[from + 3] as number;
    const white = 255 * (255 - alpha);
    for (let channel = 0; channel < 3; channel++) {
      // Seven extra bits for rounding. The next line divides by 255 and removes them.
      const sum = 128 * ((data[from + channel] as number) * alpha + white) + (128 << 7);
      rgb[to + channel] = ((sum >> 8) + sum) >> 15;
    }
  }
  return { data: rgb, channels: 3 };
}
