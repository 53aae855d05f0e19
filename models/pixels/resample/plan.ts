/**
 * Computes the source bytes and weights of each pixel of a resized image: Pillow's `Image.resize`, bit for bit, limited
 * to a window. Source: Pillow 13, `src/libImaging/Resample.c` and `ImagingScaleAffine` in `Geometry.c`.
 */

export interface Size {
  width: number;
  height: number;
}

/** A part of an image, counted from its top left corner. */
export interface Rectangle extends Size {
  left: number;
  top: number;
}

/** Antialiased bicubic (a = -0.5) and bilinear; `nearest` copies pixels. */
export type Filter = 'bicubic' | 'bilinear' | 'nearest';

/** A plan to compute the window of a resized image from its source. */
export interface ResamplePlan {
  /** The part of the source that is read. Other parts need not be decoded. */
  region: Rectangle;
  columns: Taps;
  rows: Taps;
  rowsFirst: boolean;
}

/** Taps along one axis: for each place of the window, the source places that contribute. */
export interface Taps {
  /** First source place, counted from the edge of the region, and the number of places. */
  starts: Int32Array;
  counts: Int32Array;
  /** Undefined when places are copied. */
  weights: Weights | undefined;
}

/**
 * Weights with 22 fractional bits, in the layout of the kernels: each pair of taps has four values, the upper halves of
 * both weights and then the lower 8 bits of both. Unused pairs are 0.
 */
export interface Weights {
  values: Int16Array;
  /** Pairs for each place of the window; an even number. */
  pairs: number;
}

const fractionBits = 22;

/**
 * @param target size of the whole resized image, of which `window` is a part. An axis that keeps its length is copied.
 */
export function planResample(filter: Filter, source: Size, target: Size, window: Rectangle): ResamplePlan {
  const axis = (from: number, to: number, offset: number, length: number) => {
    if (from === to) return copiedAxis(Int32Array.from({ length }, (_, at) => offset + at));
    return filter === 'nearest'
      ? nearestAxis(from, to, offset, length)
      : weightedAxis(filters[filter], from, to, offset, length);
  };
  const columns = axis(source.width, target.width, window.left, window.width);
  const rows = axis(source.height, target.height, window.top, window.height);
  const region = { left: columns.from, top: rows.from, width: columns.length, height: rows.length };
  return { region, columns, rows, rowsFirst: isShortenedFirst(source, target) };
}

/**
 * Returns true when the vertical pass comes first. Since release 13 Pillow starts with the height when that pass drops
 * more than twice as many places as the width does (https://github.com/python-pillow/Pillow/pull/9549; found by
 * experiment). Older releases start with the width. They differ by a step of 1 in some places of images twice as high
 * as wide.
 */
const isShortenedFirst = (source: Size, target: Size): boolean =>
  source.height > target.height && source.height - target.height > 2 * (source.width - target.width);

interface Axis extends Taps {
  /** First source place that is read, and the number of places. */
  from: number;
  length: number;
}

interface Kernel {
  /** Radius of the filter at scale 1. */
  reach: number;
  /** In Pillow's order of operations. */
  weight(distance: number): number;
}

const filters: Record<Exclude<Filter, 'nearest'>, Kernel> = {
  /** Keys' cubic convolution. */
  bicubic: {
    reach: 2,
    weight(distance) {
      const x = Math.abs(distance);
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
      if (x < 2) return (((x - 5) * x + 8) * x - 4) * -0.5;
      return 0;
    },
  },
  bilinear: { reach: 1, weight: (distance) => Math.max(1 - Math.abs(distance), 0) },
};

function weightedAxis({ reach, weight }: Kernel, source: number, target: number, offset: number, length: number): Axis {
  const scale = source / target;
  // The kernel widens with the reduction of the image, which is the antialiasing.
  const spread = Math.max(scale, 1);
  const support = reach * spread;
  const most = Math.ceil(support) * 2 + 1;
  const pairs = Math.ceil(most / 4) * 2;
  const starts = new Int32Array(length);
  const counts = new Int32Array(length);
  const values = new Int16Array(length * pairs * 4);
  const kernel = new Float64Array(most);
  for (let at = 0; at < length; at++) {
    const center = (offset + at + 0.5) * scale;
    const start = Math.max(Math.trunc(center - support + 0.5), 0);
    const count = Math.min(Math.trunc(center + support + 0.5), source) - start;
    let sum = 0;
    for (let tap = 0; tap < count; tap++) {
      // Pillow multiplies by the inverse. A division would change the last bits.
      const value = weight((tap + start - center + 0.5) * (1 / spread));
      kernel[tap] = value;
      sum += value;
    }
    for (let tap = 0; tap < count; tap++) {
      const real = ((kernel[tap] as number) / sum) * (1 << fractionBits);
      const fixed = Math.trunc(real < 0 ? real - 0.5 : real + 0.5);
      const place = 4 * (at * pairs + (tap >> 1)) + (tap & 1);
      values[place] = fixed >> 8;
      values[place + 2] = fixed & 255;
    }
    starts[at] = start;
    counts[at] = count;
  }
  return fromRegion({ starts, counts, weights: { values, pairs } });
}

function nearestAxis(source: number, target: number, offset: number, length: number): Axis {
  const scale = source / target;
  const places = new Int32Array(length);
  // Added up, not multiplied, as in Pillow: the rounding error can decide which neighbour is used.
  let place = scale * 0.5;
  for (let at = 0; at < offset + length; at++) {
    if (at >= offset) places[at - offset] = Math.min(Math.trunc(place), source - 1);
    place += scale;
  }
  return copiedAxis(places);
}

const copiedAxis = (starts: Int32Array): Axis =>
  fromRegion({ starts, counts: new Int32Array(starts.length).fill(1), weights: undefined });

/** Makes the starts relative to the first one, which is the smallest. */
function fromRegion(taps: Taps): Axis {
  const from = taps.starts[0] ?? 0;
  const last = taps.starts.length - 1;
  const length = (taps.starts[last] ?? 0) + (taps.counts[last] ?? 0) - from;
  return { ...taps, starts: taps.starts.map((start) => start - from), from, length };
}
