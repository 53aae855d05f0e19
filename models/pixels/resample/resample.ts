import { setImmediate as turn } from 'node:timers/promises';
import { instantiateKernels, type Kernels, type Memory } from './kernels/module.ts';
import type { ResamplePlan, Taps } from './plan.ts';

export interface Source {
  /** Interleaved bytes of the plan's `region`, row by row. */
  data: Uint8Array;
  /** 1, 3 or 4. */
  channels: number;
  /** Multiplies the first three channels (colours) by the fourth (alpha) before resampling. */
  isWeighted?: boolean;
}

/** Source bytes per copy into the WebAssembly module, few enough to stay in a core's cache. */
const stripBytes = 256 * 1024;
/** The maximum time in ms without a return to the event loop. */
const sliceMs = 4;
/** An instance with more bytes of memory is not kept, because its memory never shrinks. */
const keptBytes = 32 * 1024 * 1024;
const pageBytes = 65_536;

const idle: Kernels[] = [];

/** @returns interleaved bytes of the plan's window. */
export async function resample(source: Source, plan: ResamplePlan): Promise<Uint8Array> {
  if (plan.columns.weights === undefined && plan.rows.weights === undefined) return pick(source, plan);
  const kernels = idle.pop() ?? instantiateKernels();
  let since = performance.now();
  const steps = (plan.rowsFirst ? rowsFirst : columnsFirst)(kernels, source, plan);
  for (;;) {
    const step = steps.next();
    if (step.done) {
      if (kernels.memory.buffer.byteLength <= keptBytes) idle.push(kernels);
      return step.value;
    }
    if (performance.now() - since < sliceMs) continue;
    await turn();
    since = performance.now();
  }
}

function pick({ data, channels }: Source, { region, columns, rows }: ResamplePlan): Uint8Array {
  const out = new Uint8Array(columns.starts.length * rows.starts.length * channels);
  let to = 0;
  for (const row of rows.starts) {
    for (const column of columns.starts) {
      const from = (row * region.width + column) * channels;
      for (let channel = 0; channel < channels; channel++) out[to++] = data[from + channel] as number;
    }
  }
  return out;
}

type Steps = Generator<void, Uint8Array, void>;

function* columnsFirst(kernels: Kernels, source: Source, { region, columns, rows }: ResamplePlan): Steps {
  const { data, channels } = source;
  const stride = region.width * channels;
  const rowBytes = columns.starts.length * channels;
  const outStride = align(rowBytes);
  const narrowStride = align(rowBytes + pixelBytes);
  const stripRows = Math.min(Math.max(Math.floor(stripBytes / stride / 4), 1) * 4, region.height);
  const layout = createLayout(kernels.memory);
  const columnTaps = layout.taps(columns, channels, channels === 1 ? 2 : 1);
  const rowTaps = layout.taps(rows, 1, 1);
  // One row more than the region: the kernel reads it when the last pair has only one tap.
  const narrowed = layout.reserve((region.height + 1) * narrowStride);
  const out = layout.reserve(rows.starts.length * outStride);
  const strip = layout.reserve(stripRows * stride);
  const memory = layout.grow();
  for (let y = 0; y < region.height; y += stripRows) {
    const count = Math.min(stripRows, region.height - y);
    memory.set(data.subarray(y * stride, (y + count) * stride), strip);
    if (source.isWeighted) kernels.multiplyByAlpha(strip, count * stride);
    const to = narrowed + y * narrowStride;
    if (columnTaps === undefined) copyRows(memory, strip, stride, to, narrowStride, count);
    else horizontal(kernels, channels)(strip, stride, count, to, narrowStride, columns.starts.length, ...columnTaps);
    yield;
  }
  if (rowTaps === undefined) return packed(memory, narrowed, narrowStride, rowBytes, rows.starts.length);
  kernels.shorten(narrowed, narrowStride, rowBytes, out, outStride, rows.starts.length, ...rowTaps);
  return packed(memory, out, outStride, rowBytes, rows.starts.length);
}

function* rowsFirst(kernels: Kernels, source: Source, { region, columns, rows }: ResamplePlan): Steps {
  const { data, channels } = source;
  const stride = region.width * channels;
  const rowBytes = columns.starts.length * channels;
  const shortStride = align(stride + pixelBytes);
  const outStride = align(rowBytes + pixelBytes);
  const groups = groupRows(rows, Math.max(Math.floor(stripBytes / stride), 1));
  const layout = createLayout(kernels.memory);
  const columnTaps = layout.taps(columns, channels, channels === 1 ? 2 : 1);
  const rowTaps = layout.taps(rows, 1, 1);
  const shortened = layout.reserve(rows.starts.length * shortStride);
  const out = layout.reserve(rows.starts.length * outStride);
  const strip = layout.reserve((Math.max(...groups.map(({ height }) => height)) + 1) * stride);
  const memory = layout.grow();
  if (rowTaps === undefined) throw new Error('The vertical pass cannot come first when the height does not change');
  const [places, weights, weightStride] = rowTaps;
  for (const { first, count, top, height } of groups) {
    memory.set(data.subarray(top * stride, (top + height) * stride), strip);
    if (source.isWeighted) kernels.multiplyByAlpha(strip, height * stride);
    kernels.shorten(
      // The kernel counts rows from the region's top, but the strip begins at row `top`.
      strip - top * stride,
      stride,
      stride,
      shortened + first * shortStride,
      shortStride,
      count,
      places + placeBytes * first,
      weights + weightStride * first,
      weightStride,
    );
    yield;
  }
  if (columnTaps === undefined) return packed(memory, shortened, shortStride, rowBytes, rows.starts.length);
  const narrow = horizontal(kernels, channels);
  narrow(shortened, shortStride, rows.starts.length, out, outStride, columns.starts.length, ...columnTaps);
  return packed(memory, out, outStride, rowBytes, rows.starts.length);
}

/**
 * Groups consecutive target rows whose taps lie within `most` source rows. A row that needs more is a group of its own.
 */
function groupRows({ starts, counts }: Taps, most: number) {
  const groups: { first: number; count: number; top: number; height: number }[] = [];
  for (const [at, start] of starts.entries()) {
    const end = start + (counts[at] ?? 0);
    const group = groups.at(-1);
    if (group !== undefined && end - group.top <= most) {
      group.count++;
      group.height = end - group.top;
    } else groups.push({ first: at, count: 1, top: start, height: end - start });
  }
  return groups;
}

const horizontal = ({ narrowRgb, narrowRgba, narrowGrey }: Kernels, channels: number) =>
  channels === 1 ? narrowGrey : channels === 3 ? narrowRgb : narrowRgba;

/** Bytes that the kernels write for each pixel, even with fewer channels. The last pixel of a row needs this space. */
const pixelBytes = 4;
/** Bytes of a `places` entry: first tap and number of pairs of taps. */
const placeBytes = 8;
/** Space after each block of memory, because a vector read may start at its last byte. */
const vectorBytes = 16;

const align = (bytes: number) => Math.ceil(bytes / vectorBytes) * vectorBytes;

/** Memory offsets of `places` and weights, and the bytes of weights for each position. */
type TapArguments = [places: number, weights: number, weightStride: number];

/** Assigns consecutive blocks of a module's memory. `grow` enlarges the memory and fills the blocks. */
function createLayout(memory: Memory) {
  let end = 0;
  const writes: ((bytes: Uint8Array) => void)[] = [];

  function reserve(bytes: number): number {
    const at = end;
    end += align(bytes) + vectorBytes;
    return at;
  }

  return {
    reserve,
    /**
     * Reserves memory for taps. @returns kernel arguments.
     * @param unit bytes of one source position.
     * @param step pairs of taps that the kernel processes at a time.
     */
    taps({ starts, counts, weights }: Taps, unit: number, step: number): TapArguments | undefined {
      if (weights === undefined) return undefined;
      const { values, pairs } = weights;
      const places = Uint32Array.from({ length: 2 * starts.length }, (_, at) => {
        const place = at >> 1;
        if (at % 2 === 0) return (starts[place] ?? 0) * unit;
        return Math.ceil((counts[place] ?? 0) / 2 / step) * step;
      });
      const placesAt = reserve(places.byteLength);
      const weightsAt = reserve(values.byteLength);
      writes.push((bytes) => {
        bytes.set(bytesOf(places), placesAt);
        bytes.set(bytesOf(values), weightsAt);
      });
      return [placesAt, weightsAt, 8 * pairs];
    },
    grow(): Uint8Array {
      const missing = Math.ceil((end - memory.buffer.byteLength) / pageBytes);
      if (missing > 0) memory.grow(missing);
      const bytes = new Uint8Array(memory.buffer);
      for (const write of writes) write(bytes);
      return bytes;
    },
  };
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => new Uint8Array(buffer, byteOffset, byteLength);

function copyRows(memory: Uint8Array, from: number, stride: number, to: number, toStride: number, rows: number): void {
  for (let y = 0; y < rows; y++) memory.copyWithin(to + y * toStride, from + y * stride, from + (y + 1) * stride);
}

function packed(memory: Uint8Array, from: number, stride: number, rowBytes: number, rows: number): Uint8Array {
  if (stride === rowBytes) return memory.slice(from, from + rows * stride);
  const out = new Uint8Array(rows * rowBytes);
  for (let y = 0; y < rows; y++)
    out.set(memory.subarray(from + y * stride, from + y * stride + rowBytes), y * rowBytes);
  return out;
}
