import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { createDecoders } from '../decoder/decoders.ts';
import { pixelBytes } from '../model.ts';
import { createDecodeQueue } from '../pixels/decode-queue.ts';
import { startCropThread } from '../pixels/threaded-crop.ts';
import { createProcessorUse } from '../processor-use.ts';
import type { Slots } from '../slots.ts';
import { loadTokenizer } from '../texts/tokenizer.ts';
import { calibrate } from './calibrate.ts';
import { createLane, type Lane, type Run } from './lane.ts';
import type { Calibration, Caller, Embedded, ImageBytes, LoadOptions, TowerRun } from './protocol.ts';
import { selfTest } from './self-test.ts';
import { loadTowersInThread, runsAhead } from './threaded-towers.ts';
import { loadTowers, type Pixels, release, type Towers } from './towers.ts';

/** One ONNX session pair with the stages before it, inside one process. */
export interface Encoder {
  /** Whether it has reproduced golden values; `false` where the model has none. */
  readonly verified: boolean;
  /** @param bytes of a slot only where this process has been given slots. */
  image(bytes: ImageBytes, caller: Caller): Promise<Embedded>;
  text(text: string, interactive: boolean, tenant?: string): Promise<Embedded>;
  /** Measures micro-batches while nothing else is to be done. */
  calibrate(): Promise<Calibration>;
  setMicroBatch(images: number): void;
  /** Ends its decoders and the thread of its towers, where it has some. */
  close(): void;
}

/** A run of this length is worth a pause of that length after it, in milliseconds, while somebody waits for answers. */
const longRunMs = 50;
const refillMs = 2;
/** Batch work lets interactive pictures go first for so long at a stretch, in milliseconds. */
const longestYieldMs = 100;
/**
 * Texts that do not fill a run let images go first for so long, in milliseconds. On a GPU, where a run over few texts
 * takes 2 ms as one over many does, 20 ms instead cost a seventh to a fifth of the pairs (H100).
 */
const longestTextWaitMs = 200;
/** Half-life of the use of this process by tenants, in milliseconds: a few of the longest images. */
const useHalfLifeMs = 5_000;
/** How often calibration looks whether the encoder has become idle, in milliseconds. */
const idleCheckMs = 50;

/**
 * Decoding runs beside inference, in a thread of its own; what is decoded waits for its micro-batch. Interactive work
 * goes first at both stages. With `decoders` it feeds an accelerator: images are decoded by processes of their own, and
 * the towers run in a thread of their own.
 * @param slots where encoded images may lie.
 * @throws {Error} when the model cannot be loaded, or does not reproduce its golden values.
 */
export async function createEncoder(
  { spec, threads, deviceId, maxPixels, decoders = 0 }: LoadOptions,
  onShrunk: (images: number) => void = () => {},
  onRun: (run: TowerRun) => void = () => {},
  slots?: Slots,
): Promise<Encoder> {
  const load: (...args: Parameters<typeof loadTowers>) => Promise<Towers & { close?(): void }> =
    decoders > 0 ? loadTowersInThread : loadTowers;
  const use = createProcessorUse(useHalfLifeMs);
  const [towers, tokenizer] = await Promise.all([load(spec, threads, deviceId), loadTokenizer(spec)]);
  const mostImages = towers.limits?.images ?? Number.POSITIVE_INFINITY;
  const images = createLane<Pixels>({
    size: Math.min(spec.microBatch.images, mostImages),
    encode: (pixels, onBegin) => towers.images(pixels, onBegin),
    onShrunk,
    onRun: (inputs, milliseconds) => onRun({ input: 'image', inputs, milliseconds }),
    use,
  });
  const texts = createLane<number[]>({
    size: Math.min(spec.microBatch.texts, towers.limits?.texts ?? spec.microBatch.texts),
    encode: (ids, onBegin) => towers.texts(ids, onBegin),
    onRun: (inputs, milliseconds) => onRun({ input: 'text', inputs, milliseconds }),
    use,
  });
  // In processes of their own images are decoded whatever the towers do: two for each, so that the next one is there.
  const decoding = createDecodeQueue({
    provider: spec.provider,
    threads,
    nextRun: () => (decoders > 0 ? 2 * decoders : images.allowed()),
    use,
  });
  const cropOptions = { recipe: spec.image, maxPixels, mode: spec.preprocess };
  // One image more than the run in progress leaves cores for.
  const thread = startCropThread({ ...cropOptions, places: threads + 1 });
  const farm = decoders > 0 ? createDecoders({ ...cropOptions, processes: decoders, imageSlots: slots }) : undefined;
  async function decode(bytes: ImageBytes, caller: Caller): Promise<Pixels> {
    return farm === undefined ? await thread.crop(bytesIn(bytes), caller) : await farm.crop(bytes, caller);
  }
  function bytesIn(bytes: ImageBytes): Uint8Array {
    if (bytes instanceof Uint8Array) return bytes;
    const copy = Buffer.allocUnsafeSlow(bytes.length);
    slots?.read(bytes.slot, copy);
    return copy;
  }

  /** Interactive images in decoding, without large ones; and when batch work last had had its turn. */
  const interactiveDecoding = new Set<Caller>();
  let bulkEndedAt = 0;

  /** Returns true when all requests give way to the batch work of a tenant: otherwise one tenant's would stop all batches. */
  function isBatchFirst(): boolean {
    const batch = new Set([texts, images].flatMap((lane) => lane.tenants('batch')));
    if (batch.size === 0) return false;
    const interactive = new Set([texts, images].flatMap((lane) => lane.tenants('interactive')));
    for (const { tenant = '' } of interactiveDecoding) interactive.add(tenant);
    return [...batch].some((tenant) => [...interactive].every((other) => use.givesWay(other, tenant)));
  }

  /**
   * Interactive work first, unless batch work has had no turn for long or requests give way to it; then texts
   * once they fill a run or have waited long; then images.
   */
  function next(): (() => Promise<'interactive' | 'batch'>) | undefined {
    const due = [texts, images].find((lane) => lane.isBatchDue());
    if (due !== undefined) return () => due.runNext();
    const batchFirst = isBatchFirst();
    const interactive = [texts, images].find((lane) => lane.hasInteractive());
    if (interactive !== undefined && !batchFirst) return () => interactive.runNext();
    // A batch run that began now would be in the way of the image that is nearly decoded.
    const isNear = interactiveDecoding.size > 0 && !batchFirst;
    if (isNear && performance.now() - bulkEndedAt < longestYieldMs) return undefined;
    const lane = nextOfBatches();
    return lane && (() => lane.runNext(true));
  }

  function nextOfBatches(): Pick<Lane<never>, 'runNext'> | undefined {
    const textsWaitedMs = performance.now() - (texts.since() ?? Number.POSITIVE_INFINITY);
    if (texts.waiting() >= texts.size || textsWaitedMs > longestTextWaitMs) return texts;
    if (images.waiting() > 0) return images;
    return texts.waiting() > 0 ? texts : undefined;
  }

  let running = 0;

  /**
   * Where the towers have a thread of their own, the next run is handed over while one runs, once it is full: a GPU
   * does not wait then. Not while somebody waits for single answers, which would wait for both.
   */
  function mayBegin(): boolean {
    if (running === 0) return true;
    return running < (farm ? runsAhead : 1) && images.waiting() >= images.size && !images.isInteractiveLately();
  }

  function run(): void {
    while (mayBegin()) {
      const runNext = next();
      if (runNext === undefined) return;
      void runOne(runNext);
    }
  }

  async function runOne(runNext: () => Promise<'interactive' | 'batch'>): Promise<void> {
    running++;
    const startedAt = performance.now();
    const isBulk = (await runNext()) === 'batch';
    if (isBulk) bulkEndedAt = performance.now();
    // A run in this thread blocks it: between two, answers leave it and requests come in, one of which may be interactive.
    await turn();
    // After a long run more has queued up than the channel holds, and its rest needs a moment to be written.
    if (isBulk && performance.now() - startedAt > longRunMs && images.isInteractiveLately()) await delay(refillMs);
    running--;
    run();
  }

  async function image(bytes: ImageBytes, caller: Caller, cropImage = decode): Promise<Embedded> {
    const { interactive, tenant, signal } = caller;
    if (interactive) interactiveDecoding.add(caller);
    let decoded: { ms: number; began: number; pixels: Pixels; result: Promise<Run> };
    try {
      const { value: pixels, ms } = await decoding.run(caller, (given) => {
        const takeLargePlace = (ending?: AbortSignal) => {
          // It takes a second or more: batch work that let it go first would stand still.
          interactiveDecoding.delete(caller);
          return given.takeLargePlace?.(ending) ?? Promise.reject(new Error('The decode queue gave no places'));
        };
        return cropImage(bytes, { ...given, takeLargePlace });
      });
      if (signal?.aborted) {
        release(pixels);
        throw signal.reason;
      }
      decoded = { ms, began: Date.now() - ms, pixels, result: images.add(pixels, interactive, tenant) };
    } finally {
      // Not before it waits for its run: batch work would slip in between.
      interactiveDecoding.delete(caller);
      run();
    }
    const ran = await decoded.result.finally(() => release(decoded.pixels));
    const began = { decode: decoded.began, run: Date.now() - ran.inferenceMs };
    return { ...ran, decodeMs: decoded.ms, began, tokens: 0, totalTokens: 0 };
  }

  async function text(text: string, interactive: boolean, tenant?: string): Promise<Embedded> {
    const start = performance.now();
    const { ids, total } = tokenizer.encode(text);
    const decodeMs = performance.now() - start;
    const decodeBegan = Date.now() - decodeMs;
    const result = texts.add(ids, interactive, tenant);
    run();
    const ran = await result;
    const began = { decode: decodeBegan, run: Date.now() - ran.inferenceMs };
    return { ...ran, decodeMs, began, tokens: ids.length, totalTokens: total };
  }

  const { goldenPath, precision, provider } = spec;
  const cropExactly = (bytes: ImageBytes, caller: Caller) => thread.crop(bytesIn(bytes), caller, 'exact');
  const verified =
    goldenPath !== undefined &&
    (await selfTest({
      path: goldenPath,
      precision,
      provider,
      image: async (bytes) => (await image(bytes, { interactive: false }, cropExactly)).embedding,
      text: async (sentence) => (await text(sentence, false)).embedding,
    })) > 0;
  if (farm !== undefined) thread.close();

  return {
    verified,
    image: (bytes, caller) => image(bytes, caller),
    text,
    async calibrate() {
      const blank = new Uint8Array(pixelBytes(spec.image));
      return await calibrate(async (count) => {
        while (running > 0 || decoding.isBusy()) await delay(idleCheckMs);
        running++;
        const start = performance.now();
        try {
          await towers.images(Array.from({ length: count }, () => blank));
          return performance.now() - start;
        } finally {
          running--;
          // Also after a size that does not fit: work that came meanwhile waits for nobody else.
          run();
        }
      });
    },
    setMicroBatch(count) {
      images.size = Math.min(count, mostImages);
    },
    close() {
      farm?.close();
      thread.close();
      towers.close?.();
    },
  };
}
