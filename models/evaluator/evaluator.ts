import type { ModelSpec } from '../model.ts';
import { preprocess } from './preprocess.ts';
import type { Embedded } from './protocol.ts';
import { loadTokenizer } from './tokenizer.ts';
import { loadTowers } from './towers.ts';

/** One ONNX session pair with the stages before it, inside one process. */
export interface Evaluator {
  image(bytes: Uint8Array, interactive: boolean): Promise<Embedded>;
  text(text: string, interactive: boolean): Promise<Embedded>;
}

/** Pictures decoded at a time: while the session holds one core, libvips works on its own threads. */
const decodeWidth = 2;

/**
 * Decoding runs beside inference; what is decoded waits for its micro-batch. Interactive work goes first at both
 * stages, and never shares a run with batch work, so that its latency is its own.
 */
export async function createEvaluator(spec: ModelSpec, threads: number, maxPixels: number): Promise<Evaluator> {
  const [towers, tokenizer] = await Promise.all([
    loadTowers(spec, threads),
    loadTokenizer(spec.tokenizerPath, spec.tokenizerConfigPath, spec.contextLength),
  ]);
  const images = createLane<Float32Array>(spec.microBatch.images, (pixels) => towers.images(pixels));
  const texts = createLane<number[]>(spec.microBatch.texts, (ids) => towers.texts(ids));
  const decoding = createDecodeQueue();

  let running = false;
  async function run(): Promise<void> {
    if (running) return;
    running = true;
    // Interactive first; between the batch lanes, whichever has waited longer.
    for (;;) {
      const lane = [texts, images].find((candidate) => candidate.hasInteractive()) ?? oldest(texts, images);
      if (lane === undefined) break;
      await lane.runNext();
    }
    running = false;
  }

  return {
    async image(bytes, interactive) {
      const options = { size: spec.imageSize, mean: spec.mean, std: spec.std, maxPixels };
      const { value: pixels, ms } = await decoding(interactive, () => preprocess(bytes, options));
      const result = images.add(pixels, interactive);
      void run();
      return { ...(await result), decodeMs: ms, warnings: [], tokens: 0 };
    },
    async text(text, interactive) {
      const start = performance.now();
      const { ids, total } = tokenizer.encode(text);
      const decodeMs = performance.now() - start;
      const result = texts.add(ids, interactive);
      void run();
      const warnings =
        total > ids.length ? [`text truncated: ${total} tokens, the model reads ${ids.length} of them`] : [];
      return { ...(await result), decodeMs, warnings, tokens: ids.length };
    },
  };
}

type Run = Pick<Embedded, 'embedding' | 'inferenceMs'>;

interface Lane<Input> {
  add(input: Input, interactive: boolean): Promise<Run>;
  hasInteractive(): boolean;
  /** When the first batch entry arrived, or nothing when there is none. */
  since(): number | undefined;
  runNext(): Promise<void>;
}

/** Inputs of one tower that wait for their run. */
function createLane<Input>(size: number, encode: (inputs: Input[]) => Promise<Float32Array[]>): Lane<Input> {
  interface Entry {
    input: Input;
    at: number;
    resolve(run: Run): void;
    reject(error: unknown): void;
  }
  const interactive: Entry[] = [];
  const bulk: Entry[] = [];
  return {
    add: (input, first) =>
      new Promise((resolve, reject) => {
        (first ? interactive : bulk).push({ input, at: performance.now(), resolve, reject });
      }),
    hasInteractive: () => interactive.length > 0,
    since: () => bulk[0]?.at,
    async runNext() {
      const entries = (interactive.length > 0 ? interactive : bulk).splice(0, size);
      const start = performance.now();
      try {
        const embeddings = await encode(entries.map((entry) => entry.input));
        const inferenceMs = performance.now() - start;
        for (const [row, entry] of entries.entries()) {
          const embedding = embeddings[row];
          if (embedding) entry.resolve({ embedding, inferenceMs });
          else entry.reject(new Error('The tower gave fewer rows than it was asked for'));
        }
      } catch (error) {
        for (const entry of entries) entry.reject(error);
      }
    },
  };
}

function oldest(...lanes: Lane<never>[]): Lane<never> | undefined {
  return lanes.filter((lane) => lane.since() !== undefined).sort((a, b) => (a.since() ?? 0) - (b.since() ?? 0))[0];
}

/** Runs at most `decodeWidth` tasks at a time, interactive ones first, and measures each. */
function createDecodeQueue() {
  const interactive: (() => void)[] = [];
  const bulk: (() => void)[] = [];
  let active = 0;
  return async <Value>(first: boolean, task: () => Promise<Value>): Promise<{ value: Value; ms: number }> => {
    if (active >= decodeWidth) await new Promise<void>((start) => (first ? interactive : bulk).push(start));
    else active++;
    const start = performance.now();
    try {
      return { value: await task(), ms: performance.now() - start };
    } finally {
      const next = interactive.shift() ?? bulk.shift();
      if (next) next();
      else active--;
    }
  };
}
