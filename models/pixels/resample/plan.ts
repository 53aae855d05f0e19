/**
 * Computes the taps of each pixel of a resized image: its source pixels and their weights. The result equals Pillow's
 * `Image.resize` in every bit, for a window of the image. Source: Pillow 13, `src/libImaging/Resample.c` and
 * `ImagingScaleAffine` in `Geometry.c`.
 */

export interface Size {
  width: number;
  height: number;
}

export interface Rectangle extends Size {
  left: number;
  top: number;
}

/** `bicubic` (a = -0.5) and `bilinear` are antialiased; `nearest` copies pixels. */
export type Filter = 'bicubic' | 'bilinear' | 'nearest';

export interface ResamplePlan {
  /** The needed part of the source. The rest need not be decoded. */
  region: Rectangle;
  columns: Taps;
  rows: Taps;
  rowsFirst: boolean;
}

/** For each position (column or row) in the window: its source positions and their weights. */
export interface Taps {
  /** The first source position, counted from the edge of the region. `counts`: the number of source positions. */
  starts: Int32Array;
  counts: Int32Array;
  /** Undefined when source positions are copied. */
  weights: Weights | undefined;
}

/**
 * Weights with 22 fractional bits, as the kernels read them. A pair of taps has four values: the upper halves of both
 * weights, then their lower 8 bits. Unused pairs are 0.
 */
export interface Weights {
  values: Int16Array;
  /** Pairs for each position in the window; always even. */
  pairs: number;
}

const fractionBits = 22;

/**
 * An axis whose length does not change is copied.
 * @param target the size of the whole resized image; `window` is a part of it.
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
 * Returns true when the vertical pass comes first: in Pillow 13, when it removes more than twice as many rows as the
 * horizontal pass removes columns (https://github.com/python-pillow/Pillow/pull/9549; the condition was found by
 * experiment). Older releases never do this. The order changes some pixel values by 1.
 */
const isShortenedFirst = (source: Size, target: Size): boolean =>
  source.height > target.height && source.height - target.height > 2 * (source.width - target.width);

interface Axis extends Taps {
  /** The first needed source position. `length`: the number of needed ones. */
  from: number;
  length: number;
}

interface Kernel {
  /** The radius of the filter in source pixels, unless the image shrinks. */
  reach: number;
  /** Returns the weight at a distance from the centre, in Pillow's order of operations. */
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
  // The filter widens when the image shrinks. This is the antialiasing.
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
      // Multiplies by the inverse, as Pillow does. A division would change the last bits.
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
  // Adds the scale repeatedly, as Pillow does. A multiplication rounds differently, which can change the copied
  // neighbour.
  let place = scale * 0.5;
  for (let at = 0; at < offset + length; at++) {
    if (at >= offset) places[at - offset] = Math.min(Math.trunc(place), source - 1);
    place += scale;
  }
  return copiedAxis(places);
}

const copiedAxis = (starts: Int32Array): Axis =>
  fromRegion({ starts, counts: new Int32Array(starts.length).fill(1), weights: undefined });

/** Converts start positions to positions within the region. */
function fromRegion(taps: Taps): Axis {
  const from = taps.starts[0] ?? 0;
  const last = taps.starts.length - 1;
  const length = (taps.starts[last] ?? 0) + (taps.counts[last] ?? 0) - from;
  return { ...taps, starts: taps.starts.map((start) => start - from), from, length };
}
