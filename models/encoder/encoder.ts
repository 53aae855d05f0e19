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

/** A model that is loaded in this process, with its image decoder and tokenizer. */
export interface Encoder {
  /** True when the model has reproduced its golden values; false when it has none. */
  readonly verified: boolean;
  /** Embeds an image. @param bytes a shared memory slot only if this process shares memory with its parent. */
  image(bytes: ImageBytes, caller: Caller): Promise<Embedded>;
  text(text: string, interactive: boolean, tenant?: string): Promise<Embedded>;
  calibrate(known?: Record<number, number>): Promise<{ calibration: Calibration; isComplete: boolean }>;
  setMicroBatch(images: number): void;
  close(): void;
}

/** After a batch run of at least this many ms, a pause of `refillMs` follows while interactive requests are recent. */
const longRunMs = 50;
const refillMs = 2;
/** The maximum time in ms for which batch work waits while interactive images are decoded. */
const longestYieldMs = 100;
/**
 * The maximum time in ms for which batch texts wait until they fill a run. A GPU needs the same 2 ms for few texts as
 * for many. With 20 ms here, an H100 scored 14 to 20 % fewer pairs per second.
 */
const longestTextWaitMs = 200;
/** The half-life in ms of a tenant's processor time, about the time to decode a few of the largest images. */
const useHalfLifeMs = 5_000;

/**
 * Starts an encoder. A separate thread decodes images during inference. Interactive work goes first. With `decoders`
 * above 0 (accelerators), decoder processes decode, and inference has its own thread.
 * @param slots shared memory with encoded images.
 * @throws {Error} when the model cannot be loaded or does not reproduce its golden values.
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
  // Each decoder process gets the current image and the next one.
  const decoding = createDecodeQueue({
    provider: spec.provider,
    threads,
    nextRun: () => (decoders > 0 ? 2 * decoders : images.allowed()),
    use,
  });
  const cropOptions = { recipe: spec.image, maxPixels, mode: spec.preprocess };
  const imageSlots = slots && { fd: slots.fd, slotBytes: slots.slotBytes };
  const thread = startCropThread({ ...cropOptions, imageSlots, places: threads + 1 });
  const farm = decoders > 0 ? createDecoders({ ...cropOptions, processes: decoders, imageSlots: slots }) : undefined;
  async function decode(bytes: ImageBytes, caller: Caller): Promise<Pixels> {
    return farm === undefined ? await thread.crop(bytes, caller) : await farm.crop(bytes, caller);
  }

  /** Callers of interactive images in decoding, except large images. */
  const interactiveDecoding = new Set<Caller>();
  let bulkEndedAt = 0;

  /**
   * Returns true when batches of some tenant must go before the interactive requests of all tenants. Otherwise one
   * tenant's requests could stop all batches.
   */
  function isBatchFirst(): boolean {
    const batch = new Set([texts, images].flatMap((lane) => lane.tenants('batch')));
    if (batch.size === 0) return false;
    const interactive = new Set([texts, images].flatMap((lane) => lane.tenants('interactive')));
    for (const { tenant = '' } of interactiveDecoding) interactive.add(tenant);
    return [...batch].some((tenant) => [...interactive].every((other) => use.givesWay(other, tenant)));
  }

  /** Chooses the next inference run: overdue batch work, then interactive work, then other batch work. */
  function next(): (() => Promise<'interactive' | 'batch'>) | undefined {
    const due = [texts, images].find((lane) => lane.isBatchDue());
    if (due !== undefined) return () => due.runNext();
    const batchFirst = isBatchFirst();
    const interactive = [texts, images].find((lane) => lane.hasInteractive());
    if (interactive !== undefined && !batchFirst) return () => interactive.runNext();
    // A batch run would delay the interactive images that are being decoded.
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
   * Returns true when a run may start. With a separate inference thread, the next full run starts early, so that the
   * GPU is never idle. Recent interactive requests prevent this, because they would wait for both runs.
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
    // A run blocks this thread. The event loop must send results and receive requests between two runs.
    await turn();
    // The channel to the parent cannot buffer all results of a long run. The pause drains it.
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
          // A large image takes a second or more to decode. Batch work does not wait that long.
          interactiveDecoding.delete(caller);
          return (
            given.takeLargePlace?.(ending) ??
            Promise.reject(new Error('This decoder was given no function that reserves memory for large images'))
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
      // Both calls come after `images.add`. Otherwise a batch run could start before this image.
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
  const cropExactly = (bytes: ImageBytes, caller: Caller) => thread.crop(bytes, caller, 'exact');
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
        // Receives the messages that arrived during the last run.
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
