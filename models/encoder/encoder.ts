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

/**
 * A model that is loaded in this process: the ONNX sessions of both towers, with the image decoder and the tokenizer.
 */
export interface Encoder {
  /**
   * True when the model has reproduced its golden values (results of the reference implementation); false when it has
   * none.
   */
  readonly verified: boolean;
  /**
   * Embeds an image. @param bytes the encoded image. It may be a slot (a position in shared memory) only if this
   * process shares memory with its parent.
   */
  image(bytes: ImageBytes, caller: Caller): Promise<Embedded>;
  text(text: string, interactive: boolean, tenant?: string): Promise<Embedded>;
  /**
   * Measures the throughput of several micro-batch sizes. The measurement stops when other work arrives. This work
   * waits for at most one run.
   * @param known the images per second of sizes that were measured earlier.
   */
  calibrate(known?: Record<number, number>): Promise<{ calibration: Calibration; isComplete: boolean }>;
  setMicroBatch(images: number): void;
  /** Stops the decoders and the thread that runs the towers. */
  close(): void;
}

/**
 * The minimum duration in ms of a long batch run. If interactive requests are recent, a pause of `refillMs` follows
 * each long run.
 */
const longRunMs = 50;
const refillMs = 2;
/** The maximum time in ms for which batch work waits for interactive images that are being decoded. */
const longestYieldMs = 100;
/**
 * The maximum time in ms for which texts of batches wait until they fill a run. Images run first meanwhile. On a GPU, a
 * run over a few texts takes 2 ms, as long as a run over many texts. With a maximum of 20 ms, an H100 scored 14 to 20 %
 * fewer pairs per second.
 */
const longestTextWaitMs = 200;
/**
 * The half-life in ms of the processor time that is charged to a tenant. It is about the time for decoding a few of the
 * largest images.
 */
const useHalfLifeMs = 5_000;

/**
 * Starts an encoder. Images are decoded in a separate thread during inference, and then wait for their micro-batch.
 * Interactive work takes precedence in decoding and in inference. If `decoders` is above 0, the model runs on an
 * accelerator: decoder processes decode the images, and a separate thread runs the towers.
 * @param slots the shared memory that contains encoded images.
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
  // Decoder processes work while the towers run. Each decoder gets two images at a time: the current image and the next
  // one.
  const decoding = createDecodeQueue({
    provider: spec.provider,
    threads,
    nextRun: () => (decoders > 0 ? 2 * decoders : images.allowed()),
    use,
  });
  const cropOptions = { recipe: spec.image, maxPixels, mode: spec.preprocess };
  // `places` is the number of images that this encoder's threads can decode at the same time, plus one.
  const imageSlots = slots && { fd: slots.fd, slotBytes: slots.slotBytes };
  const thread = startCropThread({ ...cropOptions, imageSlots, places: threads + 1 });
  const farm = decoders > 0 ? createDecoders({ ...cropOptions, processes: decoders, imageSlots: slots }) : undefined;
  async function decode(bytes: ImageBytes, caller: Caller): Promise<Pixels> {
    return farm === undefined ? await thread.crop(bytes, caller) : await farm.crop(bytes, caller);
  }

  /**
   * The callers of interactive images that are being decoded. Large images are left out. `bulkEndedAt` is the time at
   * which the last batch run ended.
   */
  const interactiveDecoding = new Set<Caller>();
  let bulkEndedAt = 0;

  /**
   * Returns true when batch work must run before interactive work. This is the case when, compared with one tenant with
   * batch work, the interactive requests of every tenant have recently used too much processor time (`givesWay`).
   * Without this rule, the requests of one tenant could stop all batches.
   */
  function isBatchFirst(): boolean {
    const batch = new Set([texts, images].flatMap((lane) => lane.tenants('batch')));
    if (batch.size === 0) return false;
    const interactive = new Set([texts, images].flatMap((lane) => lane.tenants('interactive')));
    for (const { tenant = '' } of interactiveDecoding) interactive.add(tenant);
    return [...batch].some((tenant) => [...interactive].every((other) => use.givesWay(other, tenant)));
  }

  /**
   * Chooses the next run of a tower. Interactive work comes first, unless batch work is overdue or {@link isBatchFirst}
   * returns true. Within batch work, texts come before images only when they fill a run or have waited long.
   */
  function next(): (() => Promise<'interactive' | 'batch'>) | undefined {
    const due = [texts, images].find((lane) => lane.isBatchDue());
    if (due !== undefined) return () => due.runNext();
    const batchFirst = isBatchFirst();
    const interactive = [texts, images].find((lane) => lane.hasInteractive());
    if (interactive !== undefined && !batchFirst) return () => interactive.runNext();
    // While interactive images are being decoded, batch work waits for up to `longestYieldMs`, because a batch run
    // would delay these images.
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
   * Returns true when a run may start. If a separate thread runs the towers, it gets the next full run during the
   * current run, so that the GPU is never idle. If interactive requests are recent, the next run waits, because these
   * requests would have to wait for both runs.
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
    // This thread cannot do other work during a run. Between two runs, the event loop must send results and receive
    // requests, some of which may be interactive.
    await turn();
    // A long batch run has more results than the channel to the parent can buffer. All of them can be sent during a
    // pause.
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
          // Decoding a large image takes a second or more. Batch work does not wait for it, even if the image is
          // interactive.
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
      // Both calls come after the image was added to the queue of the vision tower. Otherwise a batch run could start
      // before this image.
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
        // Returns to the event loop, so that this thread receives the messages that arrived during the last run.
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
          // Starts the work that has arrived during the measurement, also when the tower has failed, for example for
          // lack of memory.
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
