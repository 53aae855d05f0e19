import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { calibrate } from './calibrate.ts';
import { createDecodeQueue } from './decode-queue.ts';
import { createLane, type Lane, type Run } from './lane.ts';
import { preprocess } from './preprocess.ts';
import type { Asker, Calibration, Embedded, LoadOptions, TowerRun } from './protocol.ts';
import { selfTest } from './self-test.ts';
import { loadTokenizer } from './tokenizer.ts';
import { loadTowers } from './towers.ts';

/** One ONNX session pair with the stages before it, inside one process. */
export interface Evaluator {
  /** Whether it has reproduced golden values; `false` where the model has none. */
  readonly verified: boolean;
  image(bytes: Uint8Array, asker: Asker): Promise<Embedded>;
  text(text: string, interactive: boolean): Promise<Embedded>;
  /** Measures micro-batches while nothing else is to be done. */
  calibrate(): Promise<Calibration>;
  setMicroBatch(images: number): void;
}

/** A run of this length is worth a pause of that length after it, in milliseconds, while somebody waits for answers. */
const longRunMs = 50;
const refillMs = 2;
/** Batch work lets interactive pictures go first for so long at a stretch, in milliseconds. */
const longestYieldMs = 100;
/** Texts that do not fill a run let pictures go first for so long, in milliseconds. */
const longestTextWaitMs = 200;
/** How often calibration looks whether the evaluator has become idle, in milliseconds. */
const idleCheckMs = 50;

/**
 * Decoding runs beside inference; what is decoded waits for its micro-batch. Interactive work goes first at both
 * stages.
 * @throws {Error} when the model cannot be loaded, or does not reproduce its golden values.
 */
export async function createEvaluator(
  { spec, threads, deviceId, maxPixels }: LoadOptions,
  onShrunk: (images: number) => void = () => {},
  onRun: (run: TowerRun) => void = () => {},
): Promise<Evaluator> {
  const [towers, tokenizer] = await Promise.all([
    loadTowers(spec, threads, deviceId),
    loadTokenizer(spec.tokenizerPath, spec.tokenizerConfigPath, spec.contextLength),
  ]);
  const images = createLane<Float32Array>({
    size: spec.microBatch.images,
    encode: (pixels) => towers.images(pixels),
    onShrunk,
    onRun: (inputs, milliseconds) => onRun({ input: 'image', inputs, milliseconds }),
  });
  const texts = createLane<number[]>({
    size: spec.microBatch.texts,
    encode: (ids) => towers.texts(ids),
    onRun: (inputs, milliseconds) => onRun({ input: 'text', inputs, milliseconds }),
  });
  const decoding = createDecodeQueue(spec.provider, threads, () => images.allowed());
  const cropOptions = {
    size: spec.imageSize,
    mean: spec.mean,
    std: spec.std,
    maxPixels,
    mode: spec.preprocess,
  };

  /** Interactive pictures on their way to their run, and when batch work last had had its turn. */
  let interactiveDecoding = 0;
  let bulkEndedAt = 0;

  /**
   * Interactive work first, unless batch work has had no turn for long; then texts once they fill a run or have waited
   * long; then pictures.
   */
  function next(): Pick<Lane<never>, 'runNext'> | undefined {
    const due = [texts, images].find((lane) => lane.isBatchDue());
    if (due !== undefined) return due;
    const interactive = [texts, images].find((lane) => lane.hasInteractive());
    if (interactive !== undefined) return interactive;
    // A batch run that began now would be in the way of the picture that is nearly decoded.
    if (interactiveDecoding > 0 && performance.now() - bulkEndedAt < longestYieldMs) return undefined;
    const textsWaitedMs = performance.now() - (texts.since() ?? Number.POSITIVE_INFINITY);
    if (texts.waiting() >= texts.size || textsWaitedMs > longestTextWaitMs) return texts;
    if (images.waiting() > 0) return images;
    return texts.waiting() > 0 ? texts : undefined;
  }

  /** Tensors of pictures that are done, for the next: at most as many as were ever in hand at once. */
  const spare: Float32Array[] = [];
  let running = false;
  async function run(): Promise<void> {
    if (running) return;
    running = true;
    for (let lane = next(); lane !== undefined; lane = next()) {
      const startedAt = performance.now();
      const isBulk = (await lane.runNext()) === 'batch';
      if (isBulk) bulkEndedAt = performance.now();
      // A run blocks this process: between two, answers leave it and requests come in, one of which may be interactive.
      await turn();
      // After a long run more has queued up than the channel holds, and its rest needs a moment to be written.
      if (isBulk && performance.now() - startedAt > longRunMs && images.isInteractiveLately()) await delay(refillMs);
    }
    running = false;
  }

  async function image(bytes: Uint8Array, asker: Asker): Promise<Embedded> {
    const { interactive, signal } = asker;
    const planes = spare.pop() ?? new Float32Array(3 * spec.imageSize * spec.imageSize);
    if (interactive) interactiveDecoding++;
    try {
      let decoded: { ms: number; began: number; result: Promise<Run> };
      try {
        const { value: pixels, ms } = await decoding.run(asker, () =>
          preprocess(bytes, { ...cropOptions, asker }, planes),
        );
        signal?.throwIfAborted();
        decoded = { ms, began: Date.now() - ms, result: images.add(pixels, interactive) };
      } finally {
        // Not before it waits for its run: batch work would slip in between.
        if (interactive) interactiveDecoding--;
        void run();
      }
      const ran = await decoded.result;
      const began = { decode: decoded.began, run: Date.now() - ran.inferenceMs };
      return { ...ran, decodeMs: decoded.ms, began, tokens: 0, totalTokens: 0 };
    } finally {
      spare.push(planes);
    }
  }

  async function text(text: string, interactive: boolean): Promise<Embedded> {
    const start = performance.now();
    const { ids, total } = tokenizer.encode(text);
    const decodeMs = performance.now() - start;
    const decodeBegan = Date.now() - decodeMs;
    const result = texts.add(ids, interactive);
    void run();
    const ran = await result;
    const began = { decode: decodeBegan, run: Date.now() - ran.inferenceMs };
    return { ...ran, decodeMs, began, tokens: ids.length, totalTokens: total };
  }

  const { goldenPath, precision } = spec;
  const verified =
    goldenPath !== undefined &&
    (await selfTest({
      path: goldenPath,
      precision,
      image: async (bytes) => (await image(bytes, { interactive: false })).embedding,
      text: async (sentence) => (await text(sentence, false)).embedding,
    })) > 0;

  return {
    verified,
    image,
    text,
    async calibrate() {
      const blank = new Float32Array(3 * spec.imageSize * spec.imageSize);
      return await calibrate(async (count) => {
        while (running || decoding.isBusy()) await delay(idleCheckMs);
        running = true;
        const start = performance.now();
        try {
          await towers.images(Array.from({ length: count }, () => blank));
          return performance.now() - start;
        } finally {
          running = false;
          // Also after a size that does not fit: work that came meanwhile waits for nobody else.
          void run();
        }
      });
    },
    setMicroBatch(count) {
      images.size = count;
    },
  };
}
