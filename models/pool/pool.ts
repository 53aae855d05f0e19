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
  /** The number of encoder processes. Each has an ONNX session for each tower. */
  encoders: number;
  /** The number of intra-op threads of each encoder. */
  threads: number;
  /** The number of devices of the provider, among which the encoders are distributed. Default: 1. */
  devices?: number;
  /** The number of decoder processes of each encoder. Default: 0; the encoder then decodes images itself. */
  decoders?: number;
  maxPixels: number;
  log: Logger;
  /**
   * Called with the measured throughput of the vision tower, by micro-batch size. Without this function, nothing is
   * measured.
   */
  onCalibrated?: ((calibration: Calibration) => void) | undefined;
  /** Called after each run of a tower in one of the encoders. */
  onRun?: ((run: TowerRun) => void) | undefined;
  /** Starts an encoder process. Tests replace this function, so that they can end the process. */
  launch?: (events: EncoderEvents) => EncoderProcess;
  /** The maximum number of waiting interactive tasks. Any further interactive task is refused. Default: 512. */
  maxInteractive?: number;
  /**
   * The time in ms after which an encoder is killed, if it has tasks but makes no progress. It is also killed when the
   * decoding of one image has been slow for this time while many other tasks were completed. Default: 60,000.
   */
  taskTimeoutMs?: number;
}

export interface PoolState {
  state: 'loading' | 'ready' | 'failed';
  ready: number;
  configured: number;
  /** The number of encoders that ended unexpectedly since the pool was created. Each was replaced. */
  restarts: number;
  /** The number of tasks that wait for an encoder. */
  waiting: number;
  /** The number of tasks that encoders are processing. */
  inFlight: number;
  /**
   * True when the model has reproduced its golden values (results of the reference implementation); false when it has
   * none; null before it is loaded.
   */
  verified: boolean | null;
  /** The maximum number of images in one run of the vision tower. */
  microBatch: number;
  /** The last error of loading the model, with the time of the next attempt; null when the model is loaded. */
  detail: string | null;
}

export interface EmbedOptions {
  /** True for interactive work, which runs before batch work. */
  interactive: boolean;
  /** The tenant. Tenants share the encoders fairly, separately for interactive and batch work. */
  tenant?: string | undefined;
  /**
   * Aborts the task. A waiting task leaves the queue. For a task in flight, the encoder skips decoding and the run, if
   * these have not begun.
   */
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
  /** Resolves when an encoder is ready. Rejects when the first attempt to start one has failed. */
  whenReady(): Promise<void>;
  state(): PoolState;
  /**
   * Uses this spec for encoders that start from now on, and immediately retries failed starts. It is called when the
   * files or the registry entry of the model have changed.
   */
  refresh(spec: ModelSpec): void;
  pids(): number[];
  close(): void;
}

/** Starts the encoders of a pool. An encoder that ends is replaced, until `close` is called. */
export function createPool(options: PoolOptions): EncoderPool {
  const { log, launch = forkEncoder, maxInteractive = 512, taskTimeoutMs = 60_000 } = options;
  let { spec } = options;
  const { model } = spec;
  let microBatch: MicroBatch = spec.microBatch;
  let verified: boolean | null = null;
  let lastTask = performance.now();
  let calibration: NodeJS.Timeout | undefined;
  /**
   * The slot (position of an encoder process) whose encoder is being calibrated. The next variable, `known`, has the
   * images per second of each micro-batch size that has been measured so far.
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
          log.info({ model, ...found }, 'micro-batch measured');
          options.onCalibrated?.(found);
          // If only one encoder is serving, it is not replaced, because requests would have to wait for the new one.
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
    // This encoder has loaded the model after earlier failures, so other encoders may be able to load it too. Their
    // slots retry at once.
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
      // The encoder ended during its calibration. The calibration may be the cause, so it is not repeated.
      calibrating = undefined;
      clearInterval(calibration);
    }
    if (wasLoaded) return log.warn({ model, reason, inFlight }, 'encoder ended; starting another');
    loadErrors.log(loadErrors.current ?? reason);
    if (loadErrors.current === null) loadErrors.set(`the encoder ended while it loaded the model (${reason})`);
    const serving = slots.find(({ isServing }) => isServing);
    // If no encoder is serving, all waiting tasks are rejected now, because they would wait for a process that may
    // never start. Otherwise a serving encoder takes over the tasks that must run alone.
    if (serving === undefined) rejectAll(loadErrors.unavailable(secondsToStart()));
    else serving.isolate(slot.takeSuspects());
  }

  /** Returns the time in s until the next encoder process starts; 0 while one is starting. */
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
      // On the encoder that is being calibrated, an interactive task would have to wait for a run of the calibration,
      // so another free encoder is preferred. A batch task may go to the encoder that is being calibrated, and then
      // ends the calibration.
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

  /**
   * Returns all slots (positions of encoder processes), and begins with the next slot at each call. Single requests are
   * thus spread over all encoders, and every encoder measures how long they take.
   */
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
