import type { ModelSpec, Provider } from '../model.ts';
import { InferenceSession, Tensor } from '../onnx-runtime.ts';

/** The two encoders of a model, loaded. Rows of the results are L2-normalised. */
export interface Towers {
  /** @param pixels tensors of `3 * imageSize * imageSize` values each. */
  images(pixels: readonly Float32Array[]): Promise<Float32Array[]>;
  /** @param ids token ids, each with its special tokens. */
  texts(ids: readonly (readonly number[])[]): Promise<Float32Array[]>;
}

/**
 * Loads both ONNX graphs on the spec's provider, with `threads` intra-op threads.
 * @param deviceId which of several GPUs.
 */
export async function loadTowers(spec: ModelSpec, threads: number, deviceId = 0): Promise<Towers> {
  const options: InferenceSession.SessionOptions = {
    executionProviders: [providerOption(spec.provider, deviceId)],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    // The arena keeps what the largest run took. Without it an evaluator of compact moved between 283 and 900 MiB, as the
    // heap falls to pieces; with it, it stays at 292.
    enableCpuMemArena: true,
    // Idle threads that spin would take the CPU from decoding and from the other evaluators.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    logSeverityLevel: 3,
  };
  const vision = await InferenceSession.create(spec.visionPath, options);
  const text = await InferenceSession.create(spec.textPath, options);
  const pixelInput = only(vision.inputNames, spec.visionPath);
  const idInput =
    text.inputNames.find((name) => /input_ids|text|input/i.test(name)) ?? only(text.inputNames, spec.textPath);
  const maskInput = text.inputNames.find((name) => /attention_mask/i.test(name));
  const idType = inputType(text, idInput);

  /** Kept from run to run: runs never overlap, and hundreds of kilobytes a picture are a burden to the collector. */
  let staging = new Float32Array();

  return {
    async images(pixels) {
      const size = 3 * spec.imageSize * spec.imageSize;
      let data = pixels[0] ?? staging;
      if (pixels.length > 1) {
        if (staging.length < pixels.length * size) staging = new Float32Array(pixels.length * size);
        data = staging.subarray(0, pixels.length * size);
        for (const [row, values] of pixels.entries()) data.set(values, row * size);
      }
      const input = new Tensor('float32', data, [pixels.length, 3, spec.imageSize, spec.imageSize]);
      return rows(await vision.run({ [pixelInput]: input }), vision.outputNames, pixels.length);
    },
    async texts(ids) {
      const length = Math.max(...ids.map((row) => row.length));
      const shape = [ids.length, length];
      const tokens = new Array<number>(ids.length * length).fill(0);
      const mask = new Array<number>(ids.length * length).fill(0);
      for (const [row, values] of ids.entries()) {
        // Padding repeats the end token: a CLIP text tower pools at the first one and cannot see what follows it.
        const end = values.at(-1) ?? 0;
        for (let at = 0; at < length; at++) {
          tokens[row * length + at] = values[at] ?? end;
          mask[row * length + at] = at < values.length ? 1 : 0;
        }
      }
      const feeds: Record<string, Tensor> = { [idInput]: integers(idType, tokens, shape) };
      if (maskInput !== undefined) feeds[maskInput] = integers(inputType(text, maskInput), mask, shape);
      return rows(await text.run(feeds), text.outputNames, ids.length);
    },
  };
}

/** What a provider cannot run goes to the CPU by ONNX Runtime's own rule. */
function providerOption(provider: Provider, deviceId: number): InferenceSession.ExecutionProviderConfig {
  return provider === 'cuda' || provider === 'dml' ? { name: provider, deviceId } : provider;
}

function only(names: readonly string[], path: string): string {
  const [name, ...others] = names;
  if (name === undefined || others.length > 0)
    throw new Error(`${path} has the inputs ${names.join(', ')}; one was expected`);
  return name;
}

/** Exports differ: token ids are int64 in most, int32 in some. */
function inputType(session: InferenceSession, name: string): 'int32' | 'int64' {
  const metadata = session.inputMetadata.find((input) => input.name === name);
  return metadata?.isTensor && metadata.type === 'int32' ? 'int32' : 'int64';
}

const integers = (type: 'int32' | 'int64', values: number[], shape: number[]): Tensor =>
  type === 'int32'
    ? new Tensor('int32', Int32Array.from(values), shape)
    : new Tensor('int64', BigInt64Array.from(values, BigInt), shape);

/** Splits a [count, dimensions] output into rows of unit length. */
function rows(outputs: InferenceSession.ReturnType, names: readonly string[], count: number): Float32Array[] {
  const name = names.find((output) => /embeds?$|embedding/i.test(output)) ?? names[0] ?? '';
  const data = outputs[name]?.data;
  if (!(data instanceof Float32Array)) throw new Error(`The output ${name} is not a float32 tensor`);
  const dimensions = data.length / count;
  return Array.from({ length: count }, (_, row) => unit(data.slice(row * dimensions, (row + 1) * dimensions)));
}

function unit(vector: Float32Array): Float32Array {
  let sum = 0;
  for (const value of vector) sum += value * value;
  const norm = Math.sqrt(sum);
  if (!(norm > 0)) throw new Error('The model gave an embedding without a direction (all zero, or not a number)');
  return vector.map((value) => value / norm);
}
