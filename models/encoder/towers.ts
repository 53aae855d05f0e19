import { type ModelSpec, type Provider, pixelBytes, type TextRecipe } from '../model.ts';
import { InferenceSession, Tensor } from '../onnx-runtime.ts';
import { makeGraphs } from '../quantization/make.ts';
import { saturates } from '../quantization/saturation.ts';
import { holdsBothTowers } from '../registry/layouts.ts';
import { paddedLength, padIds } from '../texts/padding.ts';
import { partFor } from './graph-part.ts';
import { computesInHalf } from './half-tensors.ts';
import { readMapped } from './mapped-weights.ts';
import { pixelInputName, readWithPixelInput } from './pixel-input.ts';
import {
  fixedAxis,
  GraphFault,
  idInputOf,
  inputType,
  outputOf,
  requireTextLength,
  type Tower,
  wrongShape,
} from './session-shapes.ts';

/** Cropped pixels of an image: interleaved bytes, or an object that can copy them until `release`. */
export type Pixels = Uint8Array | { copyTo(target: Uint8Array): void; release(): void };

export function release(pixels: Pixels): void {
  if (!(pixels instanceof Uint8Array)) pixels.release();
}

export function stage(pixels: readonly Pixels[], target: Uint8Array, size: number): void {
  for (const [row, image] of pixels.entries()) {
    if (image instanceof Uint8Array) target.set(image, row * size);
    else image.copyTo(target.subarray(row * size, (row + 1) * size));
  }
}

/** The maximum number of inputs in one run; undefined when any number is accepted. */
export interface RunLimits {
  images: number | undefined;
  texts: number | undefined;
}

/** The towers of a CLIP model: its vision model and its text model. Embeddings are L2-normalised. */
export interface Towers {
  /** Undefined when another thread runs the model. That thread splits large calls. */
  limits?: RunLimits;
  /**
   * @param pixels `size * size * 3` bytes for each image.
   * @param onBegin called when the run begins, if it first had to wait for another run.
   */
  images(pixels: readonly Pixels[], onBegin?: () => void): Promise<Float32Array[]>;
  /** @param ids token ids of each text, including special tokens. */
  texts(ids: readonly (readonly number[])[], onBegin?: () => void, recipe?: TextRecipe): Promise<Float32Array[]>;
  outputNames?: OutputNames;
}

export interface OutputNames {
  image: readonly string[];
  text: readonly string[];
}

/** The ONNX sessions of both towers. Runs block their thread and never overlap. */
export interface Sessions {
  limits: RunLimits;
  /**
   * Embeds images. @param pixels {@link roomFor}`(count)` images in one block. Only the first `count` matter.
   * @returns `count` embeddings in one block.
   */
  images(pixels: Uint8Array, count: number): Promise<Float32Array>;
  /** @param recipe replaces the model's text recipe, for other padding. */
  texts(ids: readonly (readonly number[])[], recipe?: TextRecipe): Promise<Float32Array>;
  outputNames: OutputNames;
}

/**
 * The batch sizes on CUDA. A run is padded to the next size. Each new shape costs an algorithm search, and memory that
 * is never freed.
 */
export const runSizes = [1, 8, 32, 64] as const;
/** The text lengths in tokens on CUDA. Longer texts are padded to the model's maximum. */
const textLengths = [16, 32] as const;

export const roomFor = (provider: Provider, count: number): number =>
  provider !== 'cuda' ? count : (runSizes.find((size) => size >= count) ?? count);

/** Loads both towers in this thread, which each run blocks. */
export async function loadTowers(spec: ModelSpec, threads: number, deviceId = 0): Promise<Towers> {
  const sessions = await loadSessions(spec, threads, deviceId);
  const size = pixelBytes(spec.image);
  /** Pixels of the current run, reused because new megabytes for each run cost garbage collection. */
  let staging = new Uint8Array();
  return {
    limits: sessions.limits,
    async images(pixels) {
      const room = roomFor(spec.provider, pixels.length);
      if (staging.length < room * size) staging = new Uint8Array(room * size);
      const data = staging.subarray(0, room * size);
      stage(pixels, data, size);
      return rowsOf(await sessions.images(data, pixels.length), pixels.length);
    },
    async texts(ids, _onBegin, recipe) {
      return rowsOf(await sessions.texts(ids, recipe), ids.length);
    },
    outputNames: sessions.outputNames,
  };
}

export async function loadSessions(spec: ModelSpec, threads: number, deviceId = 0): Promise<Sessions> {
  const { provider, dimensions } = spec;
  if (spec.made !== undefined) await makeGraphs(spec.made, { outputs: spec.outputs });
  const { size, mean, std } = spec.image;
  const graph = await readWithPixelInput(
    spec.visionPath,
    { size, mean, std },
    holdsBothTowers(spec.visionPath) ? spec.outputs.image : undefined,
  );
  const optionsFor = async (path: string, folder: string): Promise<InferenceSession.SessionOptions> => ({
    executionProviders: [providerOption(provider, deviceId)],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    // With the level `all`, ONNX Runtime 1.30 and 1.32 crash when they load an fp16 transformer on a CPU.
    graphOptimizationLevel: provider === 'cpu' && (await computesInHalf(path)) ? 'extended' : 'all',
    // ONNX Runtime's memory pool. Without it, fragmentation let the memory of an encoder of `compact` vary from 283 to
    // 900 MiB; with it, 292 MiB.
    enableCpuMemArena: true,
    extra: {
      session: {
        // Several threads spin between the operators of a run. Waking a thread for each operator cost 8 of the 72 ms of
        // a single request (ViT-B/32, two cores). They spin for at most 100 us: a longer wait means that another thread
        // shares its CPU with decoding. Spinning without this limit cost 6 % of the pairs per second. One thread does
        // not spin, which would only take CPU time.
        intra_op: { allow_spinning: threads > 1 ? '1' : '0', spin_duration_us: '100' },
        force_spinning_stop: '1',
        // Threads take small blocks of work. With equal shares, all wait for the thread that shares its CPU with
        // decoding: 25 % fewer pairs per second (ViT-B/32, two cores).
        ...(threads > 1 && { dynamic_block_base: '4' }),
        // On some processors, sums of uint8 times int8 saturate. There, ONNX Runtime must convert int8 weights to
        // uint8.
        x64quantprecision: saturates() ? '1' : '0',
        // The graph is passed as bytes, so ONNX Runtime does not know the folder of its weight files.
        model_external_initializers_file_folder_path: folder,
      },
    },
    logSeverityLevel: 3,
  });
  const vision = await InferenceSession.create(graph.bytes, await optionsFor(spec.visionPath, graph.folder));
  const textGraph = await readMapped(spec.textPath);
  const textBytes = holdsBothTowers(spec.textPath) ? partFor(textGraph.bytes, spec.outputs.text) : textGraph.bytes;
  const text = await InferenceSession.create(textBytes, await optionsFor(spec.textPath, textGraph.folder));
  const idInput = idInputOf(text, spec.textPath);
  const maskInput = text.inputNames.find((name) => /attention_mask/i.test(name));
  const idType = inputType(text, idInput);
  const fixedLength = fixedAxis(text, idInput, 1);
  requireTextLength(text, spec.textPath, fixedLength, spec.text);
  const imageTower = { side: 'image', path: spec.visionPath, outputs: spec.outputs.image, dimensions } as const;
  const textTower = { side: 'text', path: spec.textPath, outputs: spec.outputs.text, dimensions } as const;
  const imageOutput = outputOf(vision, imageTower);
  const textOutput = outputOf(text, textTower);

  async function runImages(pixels: Uint8Array, rows: number, count: number): Promise<Float32Array> {
    const input = new Tensor('uint8', pixels, [rows, size, size, 3]);
    return unitRows(await vision.run({ [pixelInputName]: input }), imageOutput, imageTower, count);
  }

  async function runTexts(
    ids: readonly (readonly number[])[],
    room: number,
    recipe: TextRecipe = spec.text,
  ): Promise<Float32Array> {
    const length = paddedLength(ids, recipe, { fixed: fixedLength, steps: provider === 'cuda' ? textLengths : [] });
    const padded = padIds(ids, recipe, length, room);
    const feeds: Record<string, Tensor> = { [idInput]: integers(idType, padded.ids, padded.shape) };
    if (maskInput !== undefined) feeds[maskInput] = integers(inputType(text, maskInput), padded.mask, padded.shape);
    return unitRows(
      await text.run(feeds, { logSeverityLevel: recipe === spec.text ? 3 : 4 }),
      textOutput,
      textTower,
      ids.length,
    );
  }

  const textBatch = fixedAxis(text, idInput, 0);
  return {
    limits: { images: graph.batch, texts: textBatch },
    async images(pixels, count) {
      const { batch } = graph;
      if (batch === undefined) return await runImages(pixels, roomFor(provider, count), count);
      const bytes = pixelBytes(spec.image);
      return await inBatches(count, batch, dimensions, (first, rows) => {
        const part = new Uint8Array(batch * bytes);
        part.set(pixels.subarray(first * bytes, (first + rows) * bytes));
        return runImages(part, batch, rows);
      });
    },
    async texts(ids, recipe) {
      if (textBatch === undefined) return await runTexts(ids, roomFor(provider, ids.length), recipe);
      return await inBatches(ids.length, textBatch, dimensions, (first, rows) =>
        runTexts(ids.slice(first, first + rows), textBatch, recipe),
      );
    },
    outputNames: { image: vision.outputNames, text: text.outputNames },
  };
}

/** Splits inputs into several runs, for a graph with a fixed batch size. */
async function inBatches(
  count: number,
  batch: number,
  dimensions: number,
  run: (first: number, rows: number) => Promise<Float32Array>,
): Promise<Float32Array> {
  const embeddings = new Float32Array(count * dimensions);
  for (let first = 0; first < count; first += batch) {
    embeddings.set(await run(first, Math.min(batch, count - first)), first * dimensions);
  }
  return embeddings;
}

export function rowsOf(embeddings: Float32Array, count: number): Float32Array[] {
  const dimensions = embeddings.length / count;
  return Array.from({ length: count }, (_, row) => embeddings.slice(row * dimensions, (row + 1) * dimensions));
}

function providerOption(provider: Provider, deviceId: number): InferenceSession.ExecutionProviderConfig {
  return provider === 'cuda' || provider === 'dml' ? { name: provider, deviceId } : provider;
}

const integers = (type: 'int32' | 'int64', values: number[], shape: number[]): Tensor =>
  type === 'int32'
    ? new Tensor('int32', Int32Array.from(values), shape)
    : new Tensor('int64', BigInt64Array.from(values, BigInt), shape);

/**
 * Returns the first `count` rows of an output, L2-normalised.
 * @throws {GraphFault} when the output does not have rows of `dimensions` values.
 */
function unitRows(
  outputs: InferenceSession.ReturnType,
  name: string,
  { side, path, dimensions }: Tower,
  count: number,
): Float32Array {
  const tensor = outputs[name];
  const fault = (message: string) =>
    new GraphFault(`${path} ${message}`, { side, kind: 'output', outputs: Object.keys(outputs) });
  const data = asFloat32(tensor?.data);
  if (data === undefined) throw fault(`has the output ${name}, which is not a tensor of float32 or float16`);
  if (tensor?.dims.length !== 2 || tensor.dims[1] !== dimensions) {
    throw fault(wrongShape(name, tensor?.dims ?? [], dimensions));
  }
  const result = data.slice(0, count * dimensions);
  for (let row = 0; row < count; row++) toUnit(result.subarray(row * dimensions, (row + 1) * dimensions));
  return result;
}

/** ONNX Runtime returns float16 values as a Float16Array, or as their bits in a Uint16Array. */
function asFloat32(data: unknown): Float32Array | undefined {
  if (data instanceof Float32Array) return data;
  if (data instanceof Float16Array) return Float32Array.from(data);
  if (data instanceof Uint16Array) {
    return Float32Array.from(new Float16Array(data.buffer as ArrayBuffer, data.byteOffset, data.length));
  }
  return undefined;
}

function toUnit(vector: Float32Array): void {
  let sum = 0;
  for (const value of vector) sum += value * value;
  const norm = Math.sqrt(sum);
  if (!(norm > 0)) throw new Error('The model returned an embedding whose values are all zero or not numbers');
  for (let at = 0; at < vector.length; at++) vector[at] = (vector[at] as number) / norm;
}
