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

/** A loaded model in this process: both ONNX sessions and the stages before them. */
export interface Encoder {
  /** True when the model has reproduced its golden values; false when it has none. */
  readonly verified: boolean;
  /** @param bytes encoded image; a slot only when this process shares slots with its parent. */
  image(bytes: ImageBytes, caller: Caller): Promise<Embedded>;
  text(text: string, interactive: boolean, tenant?: string): Promise<Embedded>;
  /**
   * Measures micro-batch sizes until other work arrives, which waits for one run at most.
   * @param known images a second of sizes that were measured before.
   */
  calibrate(known?: Record<number, number>): Promise<{ calibration: Calibration; isComplete: boolean }>;
  setMicroBatch(images: number): void;
  /** Stops the decoders and the thread of the towers. */
  close(): void;
}

/** While interactive requests wait, a run of at least this length is followed by a pause of this length (ms). */
const longRunMs = 50;
const refillMs = 2;
/** Batch work yields to interactive images for at most this long at a time (ms). */
const longestYieldMs = 100;
/**
 * Texts that do not fill a run yield to images for at most this long (ms). On a GPU a run over few texts takes 2 ms, as
 * long as one over many. With 20 ms here, an H100 scored 14 to 20 % fewer pairs a second.
 */
const longestTextWaitMs = 200;
/** Half-life of each tenant's use of this process (ms): the time of a few of the largest images. */
const useHalfLifeMs = 5_000;

/**
 * Starts an encoder. Decoding runs in a thread of its own, parallel to inference; decoded images wait for their
 * micro-batch. Interactive work goes first at both stages. With `decoders` the model runs on an accelerator: other
 * processes decode the images, and a thread runs the towers.
 * @param slots shared memory with encoded images.
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
  // Decoder processes work whatever the towers do. Each holds two images, so that the next one is ready.
  const decoding = createDecodeQueue({
    provider: spec.provider,
    threads,
    nextRun: () => (decoders > 0 ? 2 * decoders : images.allowed()),
    use,
  });
  const cropOptions = { recipe: spec.image, maxPixels, mode: spec.preprocess };
  // One place more than the threads that the run in progress leaves free.
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

  /** Interactive images that are being decoded, except large ones, and the time of the last batch run. */
  const interactiveDecoding = new Set<Caller>();
  let bulkEndedAt = 0;

  /**
   * Returns true when the batch work of a tenant goes before all requests: otherwise one tenant's requests would stop
   * all batches.
   */
  function isBatchFirst(): boolean {
    const batch = new Set([texts, images].flatMap((lane) => lane.tenants('batch')));
    if (batch.size === 0) return false;
    const interactive = new Set([texts, images].flatMap((lane) => lane.tenants('interactive')));
    for (const { tenant = '' } of interactiveDecoding) interactive.add(tenant);
    return [...batch].some((tenant) => [...interactive].every((other) => use.givesWay(other, tenant)));
  }

  /**
   * Chooses the next run. Interactive work goes first, unless batch work is overdue or requests yield to it. Then
   * texts, once they fill a run or have waited long. Then images.
   */
  function next(): (() => Promise<'interactive' | 'batch'>) | undefined {
    const due = [texts, images].find((lane) => lane.isBatchDue());
    if (due !== undefined) return () => due.runNext();
    const batchFirst = isBatchFirst();
    const interactive = [texts, images].find((lane) => lane.hasInteractive());
    if (interactive !== undefined && !batchFirst) return () => interactive.runNext();
    // A batch run that starts now would delay the interactive image that is about to be decoded.
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

  const hasWork = (): boolean =>
    running > 0 || decoding.isBusy() || [texts, images].some((lane) => lane.hasInteractive() || lane.waiting() > 0);

  /**
   * Returns true when another run may start. With a thread for the towers, a full run is handed over while one runs, so
   * that the GPU never waits; not while interactive requests wait, which would then wait for both.
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
    // A run blocks this thread. Between two runs, answers leave and requests arrive, some of them interactive.
    await turn();
    // After a long run there are more answers than the channel buffers. The rest needs a pause to be written.
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
          // A large image takes a second or more. Batch work must not wait for it.
          interactiveDecoding.delete(caller);
          return (
            given.takeLargePlace?.(ending) ?? Promise.reject(new Error('The decode queue has no large-image places'))
          );
        };
        return cropImage(bytes, { ...given, takeLargePlace });
      });
      if (signal?.aborted) {
        release(pixels);
        throw signal.reason;
      }
      decoded = { ms, began: Date.now() - ms, pixels, result: images.add(pixels, interactive, tenant) };
    } finally {
      // Only once the image waits for its run: otherwise a batch run would start before it.
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

  const { goldenPath, precision, provider, probability } = spec;
  const cropExactly = (bytes: ImageBytes, caller: Caller) => thread.crop(bytesIn(bytes), caller, 'exact');
  const verified =
    goldenPath !== undefined &&
    (await selfTest({
      path: goldenPath,
      precision,
      provider,
      image: async (bytes) => (await image(bytes, { interactive: false }, cropExactly)).embedding,
      text: async (words) => (await text(words, false)).embedding,
      ids: (words) => tokenizer.encode(words).ids,
      pad: spec.text.pad,
      probability,
    })) > 0;
  if (farm !== undefined) thread.close();

  return {
    verified,
    image: (bytes, caller) => image(bytes, caller),
    text,
    async calibrate(known) {
      const blank = new Uint8Array(pixelBytes(spec.image));
      return await calibrate(async (count) => {
        // Messages that came during the last run arrive between the two.
        await turn();
        await turn();
        if (hasWork()) return undefined;
        running++;
        const start = performance.now();
        try {
          await towers.images(Array.from({ length: count }, () => blank));
          return performance.now() - start;
        } finally {
          running--;
          // Runs after a size that does not fit in memory too. Otherwise nothing would start work that has arrived meanwhile.
          run();
        }
      }, known);
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
