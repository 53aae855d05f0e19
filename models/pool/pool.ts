import { ServiceError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import { type EncoderEvents, type EncoderProcess, forkEncoder } from '../encoder/process.ts';
import type { Calibration, Embedded, FromEncoder, TowerRun } from '../encoder/protocol.ts';
import type { ModelSpec } from '../model.ts';
import { afterPatience } from './patience.ts';
import { createTaskQueue, type TaskQueue } from './task-queue.ts';

export interface PoolOptions {
  spec: ModelSpec;
  /** Encoder processes, one ONNX session pair each. */
  encoders: number;
  /** Intra-op threads of each. */
  threads: number;
  /** Devices of the provider: encoders are dealt out over them. */
  devices?: number;
  /** Processes that decode for each encoder; none by default: it decodes itself then. */
  decoders?: number;
  maxPixels: number;
  log: Logger;
  /** Called with what the vision tower's micro-batch was found to be; without it none is looked for. */
  onCalibrated?: ((calibration: Calibration) => void) | undefined;
  /** Called after each run of a tower in one of the encoders. */
  onRun?: ((run: TowerRun) => void) | undefined;
  /** How an encoder process is started; for tests that need one to die at a chosen moment. */
  launch?: (events: EncoderEvents) => EncoderProcess;
  /** Waiting interactive requests above which more are refused. */
  maxInteractive?: number;
  /**
   * An encoder that has work and gives no sign of it for so long, in milliseconds, is taken to hang; and so is a task
   * that stays so long while many that came after it are answered.
   */
  taskTimeoutMs?: number;
}

export interface PoolState {
  state: 'loading' | 'ready' | 'failed';
  ready: number;
  configured: number;
  /** Encoders that ended and were replaced, since the start. */
  restarts: number;
  /** Tasks that wait for an encoder. */
  waiting: number;
  /** Tasks that encoders hold. */
  inFlight: number;
  /** Whether the model has reproduced golden values; nothing before it is loaded. */
  verified: boolean | null;
  /** Pictures a run of the vision tower takes at most. */
  microBatch: number;
  detail: string | null;
}

type Input = { image: Uint8Array } | { text: string };
type Kind = 'image' | 'text';
const kindOf = (input: Input): Kind => ('image' in input ? 'image' : 'text');

export interface EmbedOptions {
  /** Interactive work goes before that of batches. */
  interactive: boolean;
  /** Tenants share the encoders fairly, in each of the two kinds of work. */
  tenant?: string | undefined;
  /** Ends the task: one that waits leaves the queue; of one in flight, what has not begun is left out. */
  signal?: AbortSignal | undefined;
}

/** Encoder processes of one model, and the work that waits for them. */
export interface EncoderPool {
  /**
   * Embeds a picture or a text.
   * @throws {ServiceError} an `image.*` or `text.*` code for the input's own faults, `internal.poison` when it ends
   * every encoder, `model.unavailable` when none can be started, `overloaded` when too many wait; the signal's reason
   * when that aborts first.
   */
  embed(input: Input, options: EmbedOptions): Promise<Embedded>;
  /** Resolves when an encoder is ready, rejects when the first attempt of all has failed. */
  whenReady(): Promise<void>;
  state(): PoolState;
  /**
   * Told after a change of the model's files or of its entry: encoders are started with this from now on, and those
   * that could not be started are tried again at once.
   */
  refresh(spec: ModelSpec): void;
  pids(): number[];
  close(): void;
}

interface Task {
  input: Input;
  interactive: boolean;
  tenant: string;
  signal: AbortSignal | undefined;
  /** Where it waits, and where it counts while an encoder holds it. */
  queue: TaskQueue<Task>;
  /** Encoders that ended while this task was alone in them. */
  deaths: number;
  resolve(embedded: Embedded): void;
  reject(error: unknown): void;
}

interface InFlight {
  task: Task;
  sentAt: number;
  /** Tasks of its kind and urgency that came after it and were answered before it. */
  overtaken: number;
}

/** A place for an encoder: the process changes, the place stays. */
interface Slot {
  process: EncoderProcess | undefined;
  state: 'loading' | 'ready' | 'down';
  inFlight: Map<number, InFlight>;
  /** Ends the encoder; put off by every sign of progress. */
  silence: (() => void) | undefined;
  /** How many of those are of each kind; and how many of these belong to batches. */
  held: Record<Kind, number>;
  heldOfBatches: Record<Kind, number>;
  /**
   * What was in flight when the encoder here died. Each runs alone in its successor, before any other work, so that
   * an item which kills is told from its neighbours.
   */
  suspects: Task[];
  /** From a death until the last suspect has been judged; no other work comes here meanwhile. */
  isolating: boolean;
  /** Takes nothing more, and is replaced once it is empty. */
  retiring: boolean;
  /** Loads in the place of one that was retired: work waits for it for that moment, and nobody need go elsewhere. */
  succeeding: boolean;
  failedStarts: number;
  restart: NodeJS.Timeout | undefined;
  /** When that falls, by `performance.now()`. */
  restartAt: number;
  loading: (() => void) | undefined;
}

/**
 * Pictures of one encoder at a time: two micro-batches decoded and one running, and enough that the answer's way back
 * never leaves it idle (a micro-batch of 1: 8; of 8: 24).
 */
const pictureWindow = (microBatch: number) => Math.max(8, 3 * microBatch);
/** Texts of one encoder at a time: one run and the next. Alone in its run a text costs more than twice as much. */
const textWindow = (microBatch: number) => 2 * microBatch;
/** Places beyond the window that interactive tasks may take, so that they never wait for a batch task to finish. */
const interactivePlaces = 8;
/**
 * Tasks of a tenant that go to an encoder although others have filled its window, up to twice the window: large images of
 * one tenant must not hold up small ones of another.
 */
const guaranteedTasks = 2;
/** An item that was alone in an encoder when it died, this often, is the cause. */
const deathsOfPoison = 2;
/** Between two attempts to load a model: the first pause, doubled with each, and the longest; in milliseconds. */
const firstPauseMs = 500;
const longestPauseMs = 300_000;
/** So long nothing may have been asked of a pool before it is calibrated, in milliseconds. */
const quietMs = 2_000;
/** A client that was refused for want of a model is told to come back no sooner, in seconds. */
const leastRetrySeconds = 5;
/** A model that is not loaded by then never will be, in milliseconds. */
const loadTimeoutMs = 300_000;

/** Starts the encoders of a pool and keeps them running until `close`. */
export function createPool(options: PoolOptions): EncoderPool {
  const { log, launch = forkEncoder } = options;
  let { spec } = options;
  const maxInteractive = options.maxInteractive ?? 512;
  const taskTimeoutMs = options.taskTimeoutMs ?? 60_000;
  let microBatch = spec.microBatch.images;
  let verified: boolean | null = null;
  let lastTask = performance.now();
  let calibration: NodeJS.Timeout | undefined;
  const interactive = createTaskQueue<Task>();
  const bulk: Record<Kind, TaskQueue<Task>> = { image: createTaskQueue(), text: createTaskQueue() };
  const readyWaiters: { resolve(): void; reject(error: Error): void }[] = [];
  let nextId = 1;
  let firstAsked = -1;
  let restarts = 0;
  let closed = false;
  let startFault: string | null = null;
  let saidRefusal: string | null = null;

  const slots: Slot[] = Array.from({ length: options.encoders }, () => ({
    process: undefined,
    state: 'down',
    inFlight: new Map(),
    silence: undefined,
    held: { image: 0, text: 0 },
    heldOfBatches: { image: 0, text: 0 },
    suspects: [],
    isolating: false,
    retiring: false,
    succeeding: false,
    failedStarts: 0,
    restart: undefined,
    restartAt: 0,
    loading: undefined,
  }));
  for (const slot of slots) start(slot);

  function start(slot: Slot): void {
    if (closed) return;
    slot.restart = undefined;
    slot.state = 'loading';
    const process = launch({
      // What a process said before it ended may arrive after that: it must not speak for its successor.
      onMessage: (message) => {
        if (slot.process === process) onMessage(slot, message);
      },
      onExit: (reason) => onExit(slot, reason),
    });
    slot.process = process;
    process.send({
      type: 'load',
      spec: { ...spec, microBatch: { ...spec.microBatch, images: microBatch } },
      threads: options.threads,
      deviceId: slots.indexOf(slot) % (options.devices ?? 1),
      maxPixels: options.maxPixels,
      decoders: options.decoders ?? 0,
    });
    slot.loading = afterPatience(loadTimeoutMs, () => {
      startFault = `loading took more than ${loadTimeoutMs / 1000} s`;
      slot.process?.kill();
    });
  }

  function onMessage(slot: Slot, message: FromEncoder): void {
    switch (message.type) {
      case 'loaded':
        slot.loading?.();
        slot.state = 'ready';
        slot.succeeding = false;
        slot.failedStarts = 0;
        // What one could load the others may, too.
        if (startFault !== null) startAgain();
        startFault = null;
        saidRefusal = null;
        verified = message.verified;
        calibration ??= calibrateWhenQuiet();
        log.debug({ model: spec.model, pid: slot.process?.pid }, 'encoder ready');
        for (const waiter of readyWaiters.splice(0)) waiter.resolve();
        break;
      case 'load_failed':
        startFault = message.message;
        slot.process?.kill();
        break;
      case 'embedded':
        answered(slot, message.id)?.resolve(message.embedded);
        break;
      case 'calibrated':
        setMicroBatch(message.calibration.images);
        log.info({ model: spec.model, ...message.calibration }, 'micro-batch measured');
        options.onCalibrated?.(message.calibration);
        // It keeps the memory of the largest run it has tried.
        slot.retiring = true;
        break;
      case 'shrunk':
        log.warn({ model: spec.model, images: message.images }, 'no memory for a run this large, made smaller');
        setMicroBatch(message.images);
        break;
      case 'ran':
        listen(slot);
        // Its inputs are answered by messages of their own.
        options.onRun?.(message);
        return;
      case 'failed':
        answered(slot, message.id)?.reject(new ServiceError(message.code, message.message));
        break;
    }
    if (slot.retiring && slot.inFlight.size === 0) slot.process?.kill();
    dispatch();
  }

  function setMicroBatch(images: number): void {
    microBatch = images;
    for (const { state, process } of slots) if (state === 'ready') process?.send({ type: 'micro_batch', images });
  }

  /** Once in the life of a pool, by one encoder: one that dies of it is not made to do it again. */
  function calibrateWhenQuiet(): NodeJS.Timeout | undefined {
    if (options.onCalibrated === undefined) return undefined;
    const timer = setInterval(() => {
      const slot = slots.find(({ state }) => state === 'ready');
      if (slot === undefined || isBusy() || performance.now() - lastTask < quietMs) return;
      clearInterval(timer);
      slot.process?.send({ type: 'calibrate' });
    }, quietMs / 4);
    timer.unref();
    return timer;
  }

  /** Batch tasks of each kind that an encoder is given however many interactive ones it holds: one run's. */
  const leastOfBatches = () => ({ image: microBatch, text: spec.microBatch.texts });
  const windows = () => ({ image: pictureWindow(microBatch), text: textWindow(spec.microBatch.texts) });
  const waiting = () => interactive.size + bulk.image.size + bulk.text.size;
  const isBusy = () => waiting() > 0 || slots.some(({ inFlight }) => inFlight.size > 0);

  function take(slot: Slot, id: number): Task | undefined {
    const entry = slot.inFlight.get(id);
    if (entry === undefined) return undefined;
    slot.inFlight.delete(id);
    count(slot, entry.task, -1);
    return entry.task;
  }

  function count(slot: Slot, { input, interactive, tenant, queue }: Task, change: 1 | -1): void {
    queue.hold(tenant, change);
    slot.held[kindOf(input)] += change;
    if (!interactive) slot.heldOfBatches[kindOf(input)] += change;
  }

  function answered(slot: Slot, id: number): Task | undefined {
    const task = take(slot, id);
    if (task === undefined) return undefined;
    listen(slot);
    const kind = kindOf(task.input);
    // More than reordering explains: no more than a window of them is ever there at once.
    const many = 2 * (windows()[kind] + interactivePlaces);
    for (const [other, entry] of slot.inFlight) {
      if (other > id) break;
      if (kindOf(entry.task.input) !== kind || entry.task.interactive !== task.interactive) continue;
      entry.overtaken++;
      if (entry.overtaken <= many || performance.now() - entry.sentAt < taskTimeoutMs) continue;
      end(slot, 'a task hangs');
      break;
    }
    return task;
  }

  /** Waits for the next sign of progress, from now on; how long a task waits in a slow encoder says nothing. */
  function listen(slot: Slot): void {
    slot.silence?.();
    slot.silence = undefined;
    if (slot.inFlight.size > 0) slot.silence = afterPatience(taskTimeoutMs, () => end(slot, 'no progress'));
  }

  function end(slot: Slot, why: string): void {
    log.error({ model: spec.model, pid: slot.process?.pid, taskTimeoutMs, why }, 'encoder hangs, ending it');
    slot.process?.kill();
  }

  function onExit(slot: Slot, reason: string): void {
    const wasReady = slot.state === 'ready';
    slot.loading?.();
    slot.silence?.();
    slot.state = 'down';
    slot.process = undefined;
    const lost = [...slot.inFlight.keys()].flatMap((id) => take(slot, id) ?? []);
    if (closed) return;
    if (slot.retiring && lost.length === 0) {
      slot.retiring = false;
      slot.succeeding = true;
      start(slot);
      return;
    }
    slot.retiring = false;
    slot.succeeding = false;
    restarts++;
    if (wasReady) log.warn({ model: spec.model, reason, inFlight: lost.length }, 'encoder ended, starting another');
    else sayRefusal(startFault ?? reason);
    slot.isolating = true;
    if (lost.length === 1 && lost[0]) lost[0].deaths++;
    for (const task of lost) {
      if (task.signal?.aborted) continue;
      if (task.deaths < deathsOfPoison) slot.suspects.push(task);
      else
        task.reject(
          new ServiceError('internal.poison', `This item ended ${task.deaths} encoder processes (${reason})`),
        );
    }
    if (!wasReady) slot.failedStarts++;
    const delayMs = wasReady ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** (slot.failedStarts - 1));
    slot.restartAt = performance.now() + delayMs;
    slot.restart = setTimeout(() => start(slot), delayMs);
    if (!wasReady) {
      startFault ??= `the encoder ended while it loaded the model (${reason})`;
      const other = slots.find(({ state }) => state === 'ready');
      if (other === undefined) rejectAll(unavailable());
      else if (slot.suspects.length > 0) {
        // They need not wait for a successor that may never come.
        other.suspects.push(...slot.suspects.splice(0));
        other.isolating = true;
        dispatch();
      }
    }
  }

  /** Once for each reason: every encoder tries again and again. */
  function sayRefusal(reason: string): void {
    if (reason === saidRefusal) log.debug({ model: spec.model, reason }, 'model not loaded again');
    else log.error({ model: spec.model, revision: spec.revision, reason }, 'model not loaded; it is tried again');
    saidRefusal = reason;
  }

  /** Starts at once what waits for its next attempt. */
  function startAgain(): void {
    for (const slot of slots) {
      slot.failedStarts = 0;
      if (slot.restart === undefined) continue;
      clearTimeout(slot.restart);
      start(slot);
    }
  }

  /** Seconds until an encoder is started; 0 while one is. */
  function secondsToStart(): number {
    const down = slots.filter(({ state }) => state !== 'ready');
    const next = Math.min(...down.map(({ restart, restartAt }) => (restart === undefined ? 0 : restartAt)));
    return Math.max(0, Math.ceil((next - performance.now()) / 1000));
  }

  /** What was wrong at the last attempt to load the model, and when the next one is. */
  function describeFault(): string | null {
    if (startFault === null) return null;
    const seconds = secondsToStart();
    return `${startFault}; ${seconds > 0 ? `it is tried again in ${seconds} s` : 'it is being tried again'}`;
  }

  const unavailable = () =>
    new ServiceError('model.unavailable', `${spec.model} cannot be loaded: ${describeFault()}`, {
      retryAfter: Math.max(leastRetrySeconds, secondsToStart()),
    });

  /** Whoever waits is told so instead of waiting for ever. */
  function rejectAll(error: Error): void {
    for (const waiter of readyWaiters.splice(0)) waiter.reject(error);
    const tasks = [interactive, bulk.image, bulk.text].flatMap((queue) => queue.removeAll());
    for (const task of [...tasks, ...slots.flatMap((slot) => slot.suspects.splice(0))]) task.reject(error);
  }

  function dispatch(): void {
    for (const slot of slots) {
      if (slot.state !== 'ready' || !slot.isolating || slot.inFlight.size > 0) continue;
      let suspect = slot.suspects.shift();
      while (suspect?.signal?.aborted) suspect = slot.suspects.shift();
      if (suspect) send(slot, suspect);
      else slot.isolating = false;
    }
    const most = windows();
    while (deal(interactive, (kind) => most[kind] + interactivePlaces));
    for (const kind of ['image', 'text'] as const) while (deal(bulk[kind], () => most[kind]));
  }

  /** Gives a queue's next task that an encoder has room for to that encoder. */
  function deal(queue: TaskQueue<Task>, windowOf: (kind: Kind) => number): boolean {
    if (queue.size === 0) return false;
    for (const task of queue.candidates()) {
      const slot = slotFor(task, windowOf(kindOf(task.input)));
      if (slot === undefined) continue;
      queue.remove(task);
      send(slot, task);
      return true;
    }
    return false;
  }

  /**
   * The encoder that holds fewest of the task's kind, if that is below the window. Without a few places of their own,
   * batch tasks would never reach an encoder that interactive ones keep full.
   */
  function slotFor({ input, interactive: first, tenant, queue }: Task, window: number): Slot | undefined {
    const kind = kindOf(input);
    const least = first ? 0 : leastOfBatches()[kind];
    const widest = queue.held(tenant) < guaranteedTasks ? 2 * window : window;
    let best: Slot | undefined;
    for (const slot of first ? inTurn() : slots) {
      if (slot.state !== 'ready' || slot.isolating || slot.retiring) continue;
      if (slot.held[kind] >= widest && slot.heldOfBatches[kind] >= least) continue;
      if (best === undefined || slot.held[kind] < best.held[kind]) best = slot;
    }
    return best;
  }

  /** All of them, each time another one first: each gets its share of single requests, and learns how long they take. */
  function inTurn(): Slot[] {
    firstAsked = (firstAsked + 1) % slots.length;
    return [...slots.slice(firstAsked), ...slots.slice(0, firstAsked)];
  }

  function send(slot: Slot, task: Task): void {
    const id = nextId++;
    slot.inFlight.set(id, { task, sentAt: performance.now(), overtaken: 0 });
    count(slot, task, 1);
    if (slot.inFlight.size === 1) listen(slot);
    const { interactive: first, input, tenant } = task;
    slot.process?.send(
      'image' in input
        ? { type: 'image', id, interactive: first, tenant, bytes: input.image }
        : { type: 'text', id, interactive: first, tenant, text: input.text },
    );
  }

  /** Its encoder leaves out what has not begun, and answers it all the same. */
  function cancel(task: Task): void {
    for (const slot of slots) {
      for (const [id, entry] of slot.inFlight) if (entry.task === task) slot.process?.send({ type: 'cancel', id });
    }
  }

  return {
    embed(input, { interactive: first, tenant = '', signal }) {
      if (closed) return Promise.reject(new ServiceError('overloaded', 'The service is stopping', { retryAfter: 5 }));
      if (startFault !== null && slots.every((slot) => slot.state !== 'ready')) return Promise.reject(unavailable());
      if (signal?.aborted) return Promise.reject(signal.reason);
      if (first && interactive.size >= maxInteractive) {
        const message = `${interactive.size} requests already wait for ${spec.model}`;
        const full = new ServiceError('overloaded', message, { retryAfter: 1 });
        if (!interactive.isLongest(tenant)) interactive.removeNewestOfLongest()?.reject(full);
        else return Promise.reject(full);
      }
      lastTask = performance.now();
      return new Promise((resolve, reject) => {
        const queue = first ? interactive : bulk[kindOf(input)];
        const ended = () => signal?.removeEventListener('abort', abort);
        const task: Task = {
          input,
          interactive: first,
          tenant,
          signal,
          queue,
          deaths: 0,
          resolve(embedded) {
            ended();
            resolve(embedded);
          },
          reject(error) {
            ended();
            reject(error);
          },
        };
        const abort = () => {
          if (!queue.remove(task)) cancel(task);
          task.reject(signal?.reason);
        };
        signal?.addEventListener('abort', abort, { once: true });
        queue.add(task);
        dispatch();
      });
    },
    whenReady() {
      if (slots.some((slot) => slot.state === 'ready')) return Promise.resolve();
      if (startFault !== null) return Promise.reject(unavailable());
      return new Promise((resolve, reject) => readyWaiters.push({ resolve, reject }));
    },
    state() {
      const ready = slots.filter((slot) => slot.state === 'ready' || slot.succeeding).length;
      return {
        state: ready > 0 ? 'ready' : startFault === null ? 'loading' : 'failed',
        ready,
        configured: slots.length,
        restarts,
        waiting: waiting(),
        inFlight: slots.reduce((sum, { inFlight }) => sum + inFlight.size, 0),
        verified,
        microBatch,
        detail: describeFault(),
      };
    },
    refresh(next) {
      spec = next;
      startAgain();
    },
    pids: () => slots.flatMap((slot) => slot.process?.pid ?? []),
    close() {
      closed = true;
      clearInterval(calibration);
      const stopping = new ServiceError('overloaded', 'The service is stopping', { retryAfter: 5 });
      for (const slot of slots) {
        clearTimeout(slot.restart);
        slot.loading?.();
        slot.silence?.();
        slot.process?.kill();
        for (const id of [...slot.inFlight.keys()]) take(slot, id)?.reject(stopping);
      }
      rejectAll(stopping);
    },
  };
}
