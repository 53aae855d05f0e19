/**
 * Pillow's `Image.resize` on bytes, bit for bit, for the pixels of a window only. What a bit-identical result hangs on:
 * weights are integers of 22 fractional bits, and the first pass is rounded and clipped to bytes before the second.
 * Source: Pillow 13, `src/libImaging/Resample.c` and `ImagingScaleAffine` in `Geometry.c`.
 */

export interface Size {
  width: number;
  height: number;
}

/** Pixels of a picture, from its top left corner. */
export interface Rectangle extends Size {
  left: number;
  top: number;
}

/** How the window of a resized picture comes out of the source. */
export interface ResamplePlan {
  /** The part of the source that is read; the rest need not be decoded. */
  region: Rectangle;
  columns: Taps;
  rows: Taps;
  rowsFirst: boolean;
}

/** Along one axis, for each place of the window: the places of the source it is made of. */
interface Taps {
  /** First place of the source, counted from the region's edge, and how many follow. */
  starts: Int32Array;
  counts: Int32Array;
  /** `stride` weights for each place of the window, of which `counts` are used. Nothing when places are copied. */
  weights: Int32Array | undefined;
  stride: number;
}

const fractionBits = 22;
const half = 1 << (fractionBits - 1);
/** Reach of the bicubic kernel at scale 1. */
const reach = 2;

/** Antialiased bicubic (a = -0.5). An axis that keeps its length is copied, as Pillow does. */
export function planBicubic(source: Size, target: Size, window: Rectangle): ResamplePlan {
  return plan(
    bicubicAxis(source.width, target.width, window.left, window.width),
    bicubicAxis(source.height, target.height, window.top, window.height),
    isShortenedFirst(source, target),
  );
}

/**
 * Since release 13 Pillow begins with the height where that loses more than twice as many places as the width does
 * (https://github.com/python-pillow/Pillow/pull/9549; the rule found by trial). Older releases begin with the width,
 * and differ by a step of 1 in some places of pictures twice as high as wide.
 */
const isShortenedFirst = (source: Size, target: Size): boolean =>
  source.height > target.height && source.height - target.height > 2 * (source.width - target.width);

/** The nearest pixel: what Pillow makes of palette and two-colour pictures, whatever filter it is asked for. */
export function planNearest(source: Size, target: Size, window: Rectangle): ResamplePlan {
  return plan(
    nearestAxis(source.width, target.width, window.left, window.width),
    nearestAxis(source.height, target.height, window.top, window.height),
    false,
  );
}

/**
 * @param pixels interleaved bytes; the first is the top left one of the plan's region.
 * @param stride bytes from one row of `pixels` to the next.
 * @returns interleaved bytes of the window.
 */
export function resample(pixels: Uint8Array, stride: number, channels: number, plan: ResamplePlan): Uint8Array {
  const { region, columns, rows, rowsFirst } = plan;
  if (rowsFirst) {
    const low = shorten(pixels, stride, region.width * channels, rows);
    return narrow(low, region.width * channels, rows.starts.length, channels, columns);
  }
  const slim = narrow(pixels, stride, region.height, channels, columns);
  const width = columns.starts.length * channels;
  return shorten(slim, width, width, rows);
}

/** Horizontal pass. */
function narrow(
  pixels: Uint8Array,
  stride: number,
  height: number,
  channels: number,
  { starts, counts, weights, stride: taps }: Taps,
): Uint8Array {
  const width = starts.length;
  const out = new Uint8Array(height * width * channels);
  let at = 0;
  for (let y = 0; y < height; y++) {
    const row = y * stride;
    for (let x = 0; x < width; x++) {
      const from = row + (starts[x] as number) * channels;
      if (weights === undefined) {
        for (let channel = 0; channel < channels; channel++) out[at++] = pixels[from + channel] as number;
        continue;
      }
      const first = x * taps;
      const end = first + (counts[x] as number);
      if (channels === 3) {
        // Nearly all pictures: one walk for the three sums takes half the time of three.
        let red = half;
        let green = half;
        let blue = half;
        for (let tap = first, pixel = from; tap < end; tap++, pixel += 3) {
          const weight = weights[tap] as number;
          red = (red + Math.imul(pixels[pixel] as number, weight)) | 0;
          green = (green + Math.imul(pixels[pixel + 1] as number, weight)) | 0;
          blue = (blue + Math.imul(pixels[pixel + 2] as number, weight)) | 0;
        }
        out[at++] = clip(red >> fractionBits);
        out[at++] = clip(green >> fractionBits);
        out[at++] = clip(blue >> fractionBits);
        continue;
      }
      for (let channel = 0; channel < channels; channel++) {
        let sum = half;
        for (let tap = first, pixel = from + channel; tap < end; tap++, pixel += channels) {
          sum = (sum + Math.imul(pixels[pixel] as number, weights[tap] as number)) | 0;
        }
        out[at++] = clip(sum >> fractionBits);
      }
    }
  }
  return out;
}

/** Vertical pass, over the first `width` bytes of each row. */
function shorten(
  pixels: Uint8Array,
  stride: number,
  width: number,
  { starts, counts, weights, stride: taps }: Taps,
): Uint8Array {
  const height = starts.length;
  const out = new Uint8Array(height * width);
  for (let y = 0; y < height; y++) {
    const from = (starts[y] as number) * stride;
    const to = y * width;
    if (weights === undefined) {
      out.set(pixels.subarray(from, from + width), to);
      continue;
    }
    const first = y * taps;
    const end = first + (counts[y] as number);
    for (let at = 0; at < width; at++) {
      let sum = half;
      for (let tap = first, pixel = from + at; tap < end; tap++, pixel += stride) {
        sum = (sum + Math.imul(pixels[pixel] as number, weights[tap] as number)) | 0;
      }
      out[to + at] = clip(sum >> fractionBits);
    }
  }
  return out;
}

const clip = (value: number): number => (value < 0 ? 0 : value > 255 ? 255 : value);

interface Axis extends Taps {
  /** First place of the source that is read, and how many. */
  from: number;
  length: number;
}

function plan(columns: Axis, rows: Axis, rowsFirst: boolean): ResamplePlan {
  const region = { left: columns.from, top: rows.from, width: columns.length, height: rows.length };
  return { region, columns, rows, rowsFirst };
}

function bicubicAxis(source: number, target: number, offset: number, length: number): Axis {
  if (source === target) return copiedAxis(Int32Array.from({ length }, (_, at) => offset + at));
  const scale = source / target;
  // The kernel widens with the picture's reduction: this is the antialias.
  const spread = Math.max(scale, 1);
  const support = reach * spread;
  const stride = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(length);
  const counts = new Int32Array(length);
  const weights = new Int32Array(length * stride);
  const kernel = new Float64Array(stride);
  for (let at = 0; at < length; at++) {
    const center = (offset + at + 0.5) * scale;
    const start = Math.max(Math.trunc(center - support + 0.5), 0);
    const count = Math.min(Math.trunc(center + support + 0.5), source) - start;
    let sum = 0;
    for (let tap = 0; tap < count; tap++) {
      // Pillow multiplies by the inverse: a division gives other last bits.
      const weight = bicubic((tap + start - center + 0.5) * (1 / spread));
      kernel[tap] = weight;
      sum += weight;
    }
    for (let tap = 0; tap < count; tap++) {
      const weight = ((kernel[tap] as number) / sum) * (1 << fractionBits);
      weights[at * stride + tap] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    starts[at] = start;
    counts[at] = count;
  }
  return fromRegion({ starts, counts, weights, stride });
}

function nearestAxis(source: number, target: number, offset: number, length: number): Axis {
  const scale = source / target;
  const places = new Int32Array(length);
  // Summed up rather than multiplied, since Pillow does, and half a pixel's worth of rounding decides a neighbour.
  let place = scale * 0.5;
  for (let at = 0; at < offset + length; at++) {
    if (at >= offset) places[at - offset] = Math.min(Math.trunc(place), source - 1);
    place += scale;
  }
  return copiedAxis(places);
}

const copiedAxis = (starts: Int32Array): Axis =>
  fromRegion({ starts, counts: new Int32Array(starts.length).fill(1), weights: undefined, stride: 0 });

/** Counts the starts, which never fall, from the first of them. */
function fromRegion(taps: Taps): Axis {
  const from = taps.starts[0] ?? 0;
  const last = taps.starts.length - 1;
  const length = (taps.starts[last] ?? 0) + (taps.counts[last] ?? 0) - from;
  return { ...taps, starts: taps.starts.map((start) => start - from), from, length };
}

/** Keys' cubic convolution with a = -0.5, in Pillow's order of operations. */
function bicubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * -0.5;
  return 0;
}
