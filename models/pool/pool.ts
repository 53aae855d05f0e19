import { ServiceError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import { type EncoderEvents, type EncoderProcess, forkEncoder } from '../encoder/process.ts';
import type { Calibration, Embedded, TowerRun } from '../encoder/protocol.ts';
import type { ModelSpec } from '../model.ts';
import { calibrateWhenQuiet } from './calibrate-when-quiet.ts';
import { createLoadErrors } from './load-errors.ts';
import { createSlot, type Slot } from './slot.ts';
import { type EncoderInput, kindOf, type Task } from './task.ts';
import { createWaitingTasks } from './waiting-tasks.ts';
import { hangingAfter, hasRoom, type MicroBatch } from './windows.ts';

export interface PoolOptions {
  spec: ModelSpec;
  encoders: number;
  threads: number;
  /** The number of devices, over which the encoders are distributed. Default: 1. */
  devices?: number;
  /** Decoder processes of each encoder. Default: 0; the encoder then decodes images itself. */
  decoders?: number;
  maxPixels: number;
  log: Logger;
  /** Called with the measured throughput. Without this function, nothing is measured. */
  onCalibrated?: ((calibration: Calibration) => void) | undefined;
  onRun?: ((run: TowerRun) => void) | undefined;
  /** Starts an encoder process. Tests replace this function to end the process. */
  launch?: (events: EncoderEvents) => EncoderProcess;
  /** The maximum number of waiting interactive tasks; more are refused. Default: 512. */
  maxInteractive?: number;
  /**
   * The time in ms after which an encoder is killed: with tasks but no progress, or with one slow image while many
   * other tasks ended. Default: 60,000.
   */
  taskTimeoutMs?: number;
}

export interface PoolState {
  state: 'loading' | 'ready' | 'failed';
  ready: number;
  configured: number;
  /** Encoders that ended unexpectedly and were replaced. */
  restarts: number;
  waiting: number;
  inFlight: number;
  /** True when the model has reproduced its golden values; false when it has none; null before it is loaded. */
  verified: boolean | null;
  /** The maximum number of images in one inference run. */
  microBatch: number;
  /** The last loading error with the time of the next attempt; null when the model is loaded. */
  detail: string | null;
}

export interface EmbedOptions {
  interactive: boolean;
  /** Tenants share the encoders fairly, separately for interactive and batch work. */
  tenant?: string | undefined;
  /** Removes a waiting task. For a task in flight, the encoder skips decoding and inference that have not begun. */
  signal?: AbortSignal | undefined;
}

/** The encoder processes of one model, with the tasks that wait for them. */
export interface EncoderPool {
  /**
   * Embeds an image or a text.
   * @throws {ServiceError} an `image.*` or `text.*` code for errors of the input; `internal.poison` when the input
   * repeatedly crashes encoders; `model.unavailable` when no encoder can be started; `overloaded` when too many tasks
   * wait; the reason of the signal when it aborts first.
   */
  embed(input: EncoderInput, options: EmbedOptions): Promise<Embedded>;
  /** Resolves when an encoder is ready. Rejects when the first start has failed. */
  whenReady(): Promise<void>;
  state(): PoolState;
  /** Uses this spec for encoders that start from now on, and retries failed starts at once. */
  refresh(spec: ModelSpec): void;
  pids(): number[];
  close(): void;
}

/** An encoder that ends is replaced, until `close` is called. */
export function createPool(options: PoolOptions): EncoderPool {
  const { log, launch = forkEncoder, maxInteractive = 512, taskTimeoutMs = 60_000 } = options;
  let { spec } = options;
  const { model } = spec;
  let microBatch: MicroBatch = spec.microBatch;
  let verified: boolean | null = null;
  let lastTask = performance.now();
  let calibration: NodeJS.Timeout | undefined;
  /**
   * The slot whose encoder is being calibrated. `known`: images per second of the micro-batch sizes measured so far.
   */
  let calibrating: Slot | undefined;
  let known: Record<number, number> = {};
  let firstAsked = -1;
  let restarts = 0;
  let closed = false;
  const waiting = createWaitingTasks(model, maxInteractive);
  const loadErrors = createLoadErrors(spec, log);
  const readyWaiters: { resolve(): void; reject(error: Error): void }[] = [];

  const slots: Slot[] = [];
  for (let at = 0; at < options.encoders; at++) slots.push(slotAt(at));

  function slotAt(at: number): Slot {
    const slot: Slot = createSlot(
      {
        model,
        launch,
        loadOptions: () => ({
          spec: { ...spec, microBatch },
          threads: options.threads,
          deviceId: at % (options.devices ?? 1),
          maxPixels: options.maxPixels,
          decoders: options.decoders ?? 0,
        }),
        hangingAfter: () => hangingAfter(microBatch),
        taskTimeoutMs,
        log,
      },
      {
        onLoaded: (isVerified) => onLoaded(slot, isVerified),
        onLoadError: loadErrors.set,
        onRan: (run) => options.onRun?.(run),
        onCalibrated(found, isComplete) {
          calibrating = undefined;
          known = found.imagesPerSecond;
          if (!isComplete) return false;
          clearInterval(calibration);
          setMicroBatch(found.images);
          log.debug({ model, ...found }, 'micro-batch measured');
          options.onCalibrated?.(found);
          // The only serving encoder is not replaced, because requests would wait for the new one.
          return slots.some((other) => other !== slot && other.isServing);
        },
        onShrunk(images) {
          log.warn(
            { model, images },
            'the device has too little memory for a run with this many images; the micro-batch size is reduced',
          );
          setMicroBatch(images);
        },
        onRoom: dispatch,
        onCrash: (crash) => onCrash(slot, crash),
      },
    );
    return slot;
  }

  function onLoaded(slot: Slot, isVerified: boolean): void {
    // After failures, one encoder has loaded the model, so others may succeed too.
    if (loadErrors.current !== null) for (const other of slots) other.startNow();
    loadErrors.clear();
    verified = isVerified;
    if (options.onCalibrated !== undefined) calibration ??= calibrateWhenQuiet(idleMs, calibrateOne);
    log.debug({ model, pid: slot.pid }, 'encoder ready');
    for (const waiter of readyWaiters.splice(0)) waiter.resolve();
  }

  const idleMs = () => {
    const isBusy = waiting.size > 0 || slots.some(({ inFlight }) => inFlight > 0);
    return isBusy || !slots.some(({ isServing }) => isServing) ? undefined : performance.now() - lastTask;
  };
  function calibrateOne(): void {
    if (calibrating !== undefined) return;
    calibrating = slots.find(({ isServing }) => isServing);
    calibrating?.calibrate(known);
  }

  function setMicroBatch(images: number): void {
    microBatch = { ...microBatch, images };
    for (const slot of slots) slot.setMicroBatch(images);
  }

  function onCrash(
    slot: Slot,
    { reason, wasLoaded, inFlight }: { reason: string; wasLoaded: boolean; inFlight: number },
  ) {
    restarts++;
    if (slot === calibrating) {
      // The calibration may have ended the encoder, so it is not repeated.
      calibrating = undefined;
      clearInterval(calibration);
    }
    if (wasLoaded) return log.warn({ model, reason, inFlight }, 'encoder ended; starting another');
    loadErrors.log(loadErrors.current ?? reason);
    if (loadErrors.current === null) loadErrors.set(`the encoder ended while it loaded the model (${reason})`);
    const serving = slots.find(({ isServing }) => isServing);
    // Without a serving encoder, waiting tasks are rejected, because a start may never succeed. Otherwise a serving
    // encoder takes over the tasks that must run alone.
    if (serving === undefined) rejectAll(loadErrors.unavailable(secondsToStart()));
    else serving.isolate(slot.takeSuspects());
  }

  /** Returns the seconds until the next encoder process starts; 0 while one is starting. */
  function secondsToStart(): number {
    const next = Math.min(...slots.filter(({ isServing }) => !isServing).map(({ startsAt }) => startsAt));
    return Math.max(0, Math.ceil((next - performance.now()) / 1000));
  }

  function rejectAll(error: Error): void {
    for (const waiter of readyWaiters.splice(0)) waiter.reject(error);
    for (const task of [...waiting.removeAll(), ...slots.flatMap((slot) => slot.takeSuspects())]) task.reject(error);
  }

  function dispatch(): void {
    waiting.deal((task) => {
      const kind = kindOf(task.input);
      const order = task.interactive ? inTurn() : slots;
      const isFree = (slot: Slot) => slot.state === 'ready' && hasRoom(slot, task, kind, microBatch);
      // Interactive tasks avoid the encoder that is being calibrated, where they would wait for a run. A batch task may
      // end the calibration.
      const avoided =
        task.interactive && order.some((slot) => slot !== calibrating && isFree(slot)) ? calibrating : undefined;
      let best: Slot | undefined;
      for (const slot of order) {
        if (slot === avoided || !isFree(slot)) continue;
        if (best === undefined || slot.held[kind] < best.held[kind]) best = slot;
      }
      return best;
    });
  }

  /** Rotates the encoders, so that single requests spread over all and each encoder measures how long they take. */
  function inTurn(): Slot[] {
    firstAsked = (firstAsked + 1) % slots.length;
    return [...slots.slice(firstAsked), ...slots.slice(0, firstAsked)];
  }

  return {
    async embed(input, { interactive, tenant = '', signal }) {
      if (closed) throw stopping();
      if (loadErrors.current !== null && !slots.some(({ isServing }) => isServing))
        throw loadErrors.unavailable(secondsToStart());
      signal?.throwIfAborted();
      if (interactive) waiting.admit(tenant);
      lastTask = performance.now();
      const queue = waiting.queueFor(interactive, kindOf(input));
      const { promise, resolve, reject } = Promise.withResolvers<Embedded>();
      const task: Task = { input, interactive, tenant, signal, queue, deaths: 0, resolve, reject };
      const abort = () => {
        if (!queue.remove(task)) for (const slot of slots) slot.cancel(task);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
      queue.add(task);
      dispatch();
      return await promise.finally(() => signal?.removeEventListener('abort', abort));
    },
    async whenReady() {
      if (slots.some(({ isServing }) => isServing)) return;
      if (loadErrors.current !== null) throw loadErrors.unavailable(secondsToStart());
      await new Promise<void>((resolve, reject) => readyWaiters.push({ resolve, reject }));
    },
    state() {
      const ready = slots.filter(({ isUp }) => isUp).length;
      return {
        state: ready > 0 ? 'ready' : loadErrors.current === null ? 'loading' : 'failed',
        ready,
        configured: slots.length,
        restarts,
        waiting: waiting.size,
        inFlight: slots.reduce((sum, { inFlight }) => sum + inFlight, 0),
        verified,
        microBatch: microBatch.images,
        detail: loadErrors.describe(secondsToStart()),
      };
    },
    refresh(next) {
      spec = next;
      microBatch = { images: microBatch.images, texts: next.microBatch.texts };
      for (const slot of slots) slot.startNow();
    },
    pids: () => slots.flatMap(({ pid }) => pid ?? []),
    close() {
      closed = true;
      clearInterval(calibration);
      for (const slot of slots) slot.close(stopping());
      rejectAll(stopping());
    },
  };
}

const stopping = () => new ServiceError('overloaded', 'The service is stopping; retry shortly', { retryAfter: 5 });
