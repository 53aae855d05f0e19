import { ServiceError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { EncoderEvents, EncoderProcess } from '../encoder/process.ts';
import type { Calibration, FromEncoder, LoadOptions, TowerRun } from '../encoder/protocol.ts';
import { createHeldTasks, type HeldTasks } from './held-tasks.ts';
import { afterPatience } from './patience.ts';
import type { Task } from './task.ts';

/**
 * The states of an encoder slot.
 * - `down`: no process; the next one starts when the timer fires
 * - `loading`: the process loads the model
 * - `ready`: the process gets tasks from the queue
 * - `isolating`: the process runs only suspects (tasks that were in flight at a crash), one at a time
 * - `retiring`: the process is replaced after its current tasks
 * - `ending`: the process hung and was killed
 * - `closed`: the pool is closed
 */
type State =
  | { name: 'down'; timer: NodeJS.Timeout | undefined; startsAt: number }
  | { name: 'loading'; encoder: EncoderProcess; cancelDeadline: () => void; isReplacement: boolean }
  | { name: 'ready' | 'isolating' | 'retiring' | 'ending'; encoder: EncoderProcess }
  | { name: 'closed' };

export type SlotState = State['name'];

const transitions: Record<SlotState, readonly SlotState[]> = {
  down: ['loading', 'closed'],
  loading: ['ready', 'isolating', 'down', 'closed'],
  ready: ['isolating', 'retiring', 'ending', 'down', 'closed'],
  isolating: ['ready', 'retiring', 'ending', 'down', 'closed'],
  retiring: ['loading', 'ending', 'down', 'closed'],
  ending: ['down', 'closed'],
  closed: [],
};

export interface SlotDeps {
  model: string;
  launch: (events: EncoderEvents) => EncoderProcess;
  /** Returns the `load` message, which each process gets first. */
  loadOptions: () => LoadOptions;
  /** Returns the number of replies to other tasks after which a slow decoding counts as hanging. */
  hangingAfter: () => number;
  taskTimeoutMs: number;
  log: Logger;
}

export interface SlotEvents {
  onLoaded(verified: boolean): void;
  onLoadError(reason: string): void;
  onRan(run: TowerRun): void;
  /** @returns true when the process must be replaced, because it keeps the memory of the largest run it tried. */
  onCalibrated(calibration: Calibration, isComplete: boolean): boolean;
  onShrunk(images: number): void;
  onRoom(): void;
  /** Called when the process has ended unexpectedly and the next start is scheduled. */
  onCrash(crash: { reason: string; wasLoaded: boolean; inFlight: number }): void;
}

/** The place of an encoder process in a pool. When the process ends, a new one takes its place. */
export interface Slot extends Pick<HeldTasks, 'held' | 'heldOfBatches'> {
  readonly state: SlotState;
  readonly pid: number | undefined;
  readonly inFlight: number;
  /** True when the model is loaded, or the replacement of a retired process loads it. */
  readonly isUp: boolean;
  /** True when the model is loaded and the process has not been killed. */
  readonly isServing: boolean;
  /** The next start on the clock of `performance.now()`; 0 while there is a process. */
  readonly startsAt: number;
  /** Starts a missing process at once. Resets the pause between starts, which grows with each failure. */
  startNow(): void;
  send(task: Task): void;
  /** Asks the encoder to skip a task that it has not begun. A reply follows in any case. */
  cancel(task: Task): void;
  setMicroBatch(images: number): void;
  calibrate(known: Record<number, number>): void;
  /** Adds tasks that the encoder must run alone, before all others. */
  isolate(suspects: readonly Task[]): void;
  /** Removes the tasks that must run alone and have not been sent. */
  takeSuspects(): Task[];
  close(error: Error): void;
}

/** A task is rejected after it has crashed this many encoders that had no other task. */
const deathsOfPoison = 2;
/** The pause in ms after the first failed load. It doubles up to `longestPauseMs`. */
const firstPauseMs = 500;
const longestPauseMs = 300_000;
/** Loading a model fails after this time in ms. */
const loadTimeoutMs = 300_000;

export function createSlot(deps: SlotDeps, events: SlotEvents): Slot {
  const { model, launch, loadOptions, hangingAfter, taskTimeoutMs, log } = deps;
  let state: State = { name: 'down', timer: undefined, startsAt: 0 };
  let failedStarts = 0;
  let nextId = 1;
  let cancelSilence: (() => void) | undefined;
  const tasks = createHeldTasks();
  /** Tasks in flight at a crash. Each runs alone before other work, to find the one that caused the crash. */
  const suspects: Task[] = [];

  function become(next: State): void {
    if (!transitions[state.name].includes(next.name))
      throw new Error(`The state of an encoder slot cannot change from ${state.name} to ${next.name}`);
    state = next;
  }

  const encoder = (): EncoderProcess | undefined => ('encoder' in state ? state.encoder : undefined);
  const isServing = () => state.name === 'ready' || state.name === 'isolating' || state.name === 'retiring';

  function start(isReplacement = false): void {
    const started = launch({
      // Messages may arrive after their process has ended.
      onMessage: (message) => {
        if (encoder() === started) onMessage(message, started);
      },
      onExit: (reason) => onExit(reason),
    });
    const cancelDeadline = afterPatience(loadTimeoutMs, () => {
      events.onLoadError(`loading took more than ${loadTimeoutMs / 1000} s`);
      started.kill();
    });
    become({ name: 'loading', encoder: started, cancelDeadline, isReplacement });
    started.send({ type: 'load', ...loadOptions() });
  }

  function onMessage(message: FromEncoder, from: EncoderProcess): void {
    switch (message.type) {
      case 'loaded':
        if (state.name !== 'loading') return;
        state.cancelDeadline();
        failedStarts = 0;
        become({ name: suspects.length > 0 ? 'isolating' : 'ready', encoder: from });
        events.onLoaded(message.verified);
        break;
      case 'load_failed':
        events.onLoadError(message.message);
        from.kill();
        break;
      case 'embedded':
        answered(message.id)?.resolve(message.embedded);
        break;
      case 'failed':
        answered(message.id)?.reject(new ServiceError(message.code, message.message));
        break;
      case 'slow_decode':
        tasks.markSlow(message.id);
        return;
      case 'calibrated':
        if (!events.onCalibrated(message.calibration, message.isComplete)) break;
        if (state.name === 'ready' || state.name === 'isolating') become({ name: 'retiring', encoder: from });
        break;
      case 'shrunk':
        events.onShrunk(message.images);
        break;
      case 'ran':
        watchProgress();
        // The run's results follow in other messages, so no task has ended yet.
        events.onRan(message);
        return;
    }
    if (state.name === 'retiring' && tasks.size === 0) from.kill();
    runSuspect();
    events.onRoom();
  }

  function answered(id: number): Task | undefined {
    const task = tasks.take(id);
    if (task === undefined) return undefined;
    watchProgress();
    if (tasks.countAnswer(hangingAfter(), taskTimeoutMs)) kill('decoding hangs');
    return task;
  }

  /**
   * Restarts the timer that kills an encoder without progress. Every reply and run counts, because one task may wait
   * long in a slow encoder.
   */
  function watchProgress(): void {
    cancelSilence?.();
    cancelSilence = tasks.size > 0 ? afterPatience(taskTimeoutMs, () => kill('no progress')) : undefined;
  }

  function kill(why: string): void {
    if (state.name === 'ending' || !isServing()) return;
    const hanging = encoder();
    if (hanging === undefined) return;
    log.error({ model, pid: hanging.pid, taskTimeoutMs, why }, 'encoder hangs and is killed');
    become({ name: 'ending', encoder: hanging });
    hanging.kill();
  }

  /** Sends the next suspect to an encoder without tasks. After the last one, ordinary tasks follow. */
  function runSuspect(): void {
    if (state.name !== 'isolating' || tasks.size > 0) return;
    let suspect = suspects.shift();
    while (suspect?.signal?.aborted) suspect = suspects.shift();
    if (suspect === undefined) become({ name: 'ready', encoder: state.encoder });
    else send(suspect);
  }

  function send(task: Task): void {
    const id = nextId++;
    tasks.add(id, task);
    if (tasks.size === 1) watchProgress();
    const { interactive, input, tenant } = task;
    encoder()?.send(
      'image' in input
        ? { type: 'image', id, interactive, tenant, bytes: input.image }
        : { type: 'text', id, interactive, tenant, text: input.text },
    );
  }

  function stopTimers(): void {
    cancelSilence?.();
    if (state.name === 'loading') state.cancelDeadline();
    if (state.name === 'down') clearTimeout(state.timer);
  }

  function onExit(reason: string): void {
    if (state.name === 'closed') return;
    stopTimers();
    const lost = tasks.takeAll();
    if (state.name === 'retiring' && lost.length === 0) {
      start(true);
      return;
    }
    const wasLoaded = state.name !== 'loading';
    isolateOrReject(lost, reason);
    if (!wasLoaded) failedStarts++;
    const pauseMs = wasLoaded ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** (failedStarts - 1));
    become({ name: 'down', timer: setTimeout(start, pauseMs), startsAt: performance.now() + pauseMs });
    events.onCrash({ reason, wasLoaded, inFlight: lost.length });
  }

  /** The tasks of a crashed process must run alone next. One that was alone in two crashes is rejected. */
  function isolateOrReject(lost: readonly Task[], reason: string): void {
    const [first] = lost;
    if (first !== undefined && lost.length === 1) first.deaths++;
    for (const task of lost) {
      if (task.signal?.aborted) continue;
      if (task.deaths < deathsOfPoison) suspects.push(task);
      else
        task.reject(
          new ServiceError('internal.poison', `This item crashed ${task.deaths} encoder processes (${reason})`),
        );
    }
  }

  start();
  return {
    get state() {
      return state.name;
    },
    get pid() {
      return encoder()?.pid;
    },
    get inFlight() {
      return tasks.size;
    },
    get isUp() {
      return isServing() || (state.name === 'loading' && state.isReplacement);
    },
    get isServing() {
      return isServing();
    },
    get startsAt() {
      return state.name === 'down' ? state.startsAt : 0;
    },
    held: tasks.held,
    heldOfBatches: tasks.heldOfBatches,
    startNow() {
      failedStarts = 0;
      if (state.name !== 'down') return;
      stopTimers();
      start();
    },
    send,
    cancel(task) {
      const id = tasks.idOf(task);
      if (id !== undefined) encoder()?.send({ type: 'cancel', id });
    },
    setMicroBatch(images) {
      if (isServing()) encoder()?.send({ type: 'micro_batch', images });
    },
    calibrate(known) {
      encoder()?.send({ type: 'calibrate', known });
    },
    isolate(tasksToRun) {
      suspects.push(...tasksToRun);
      if (state.name === 'ready') become({ name: 'isolating', encoder: state.encoder });
      runSuspect();
    },
    takeSuspects: () => suspects.splice(0),
    close(error) {
      stopTimers();
      encoder()?.kill();
      for (const task of [...tasks.takeAll(), ...suspects.splice(0)]) task.reject(error);
      become({ name: 'closed' });
    },
  };
}
