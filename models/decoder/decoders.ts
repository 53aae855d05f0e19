import { type ChildProcess, fork } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../../shared/child-environment.js';
import { ServiceError } from '../../shared/errors.ts';
import type { Caller, ImageBytes } from '../encoder/protocol.ts';
import type { Pixels } from '../encoder/towers.ts';
import { pixelBytes } from '../model.ts';
import { takeOwnLargePlace } from '../pixels/large-places.ts';
import type { CropOptions } from '../pixels/preprocess.ts';
import { createSlots, type Slots } from '../slots.ts';
import { readFrames, writeFrame } from './frames.ts';
import { type DecodeFault, type DecoderOptions, frameTypes } from './protocol.ts';

export interface Decoders {
  /**
   * Decodes and crops an image, like `crop` of `models/pixels/preprocess.ts`.
   * @throws {ServiceError} the errors of `crop`; `internal.poison` when the image repeatedly crashes decoders; the
   * caller's abort reason, if it aborts before a decoder gets the image.
   */
  crop(bytes: ImageBytes, caller: Caller): Promise<Pixels>;
  pids(): number[];
  close(): void;
}

export interface DecodersOptions extends Omit<CropOptions, 'caller'> {
  processes: number;
  imageSlots?: Slots | undefined;
  /** The script of a decoder, which crash tests replace. */
  entry?: string;
  /** A decoder that has images but sends nothing for this time in ms is killed. */
  silenceMs?: number;
}

interface Job {
  bytes: ImageBytes;
  caller: Caller;
  /** The shared memory slot for the pixels of this image. */
  slot: number | undefined;
  /** Decoder processes that crashed while this was their only image. */
  deaths: number;
  resolve(pixels: Pixels): void;
  reject(error: unknown): void;
}

/** One decoder process. After a crash, a new process takes over this state. */
interface Slot {
  child: ChildProcess | undefined;
  pipe: Duplex | undefined;
  held: Map<number, Job>;
  /** Images of a crashed process. The new process first decodes each of them alone. */
  suspects: Job[];
  isolating: boolean;
  /**
   * Large images by id, with a function that ends the wait for permission or gives it back. `waitingForLarge` counts
   * those that wait.
   */
  large: Map<number, () => void>;
  waitingForLarge: number;
  /** Processes in a row that ended before they returned a result. */
  failures: number;
  silence: NodeJS.Timeout | undefined;
  restart: NodeJS.Timeout | undefined;
}

/**
 * As many shared memory slots for pixels as an encoder gets images at a time. Each is occupied from decoding to the end
 * of inference. Without a free slot, pixels go through the pipe.
 */
const pixelSlotCount = 256;
/** A decoder gets the current image and the next one. */
const imagesEach = 2;
/** An image is refused after it has crashed this many decoders that had no other image. */
const deathsOfPoison = 2;
/** The first pause in ms before a restart, from the second failure in a row. It doubles up to `longestPauseMs`. */
const firstPauseMs = 100;
const longestPauseMs = 10_000;

const defaultEntry = fileURLToPath(new URL('./main.ts', import.meta.url));

/**
 * Starts decoder processes. A native crash ends only one decoder, not the encoder with its GPU memory. The decoder's
 * images are decoded again, one at a time.
 */
export function createDecoders({
  processes,
  entry = defaultEntry,
  silenceMs = 30_000,
  imageSlots,
  ...crop
}: DecodersOptions): Decoders {
  const interactive: Job[] = [];
  const bulk: Job[] = [];
  const pixelSlots = createSlots(pixelSlotCount, pixelBytes(crop.recipe));
  let nextId = 1;
  let closed = false;

  const slots: Slot[] = Array.from({ length: processes }, () => ({
    child: undefined,
    pipe: undefined,
    held: new Map(),
    suspects: [],
    isolating: false,
    large: new Map(),
    waitingForLarge: 0,
    failures: 0,
    silence: undefined,
    restart: undefined,
  }));
  for (const slot of slots) start(slot);

  function start(slot: Slot): void {
    if (closed) return;
    slot.restart = undefined;
    const child = fork(entry, [], {
      execArgv: ['--max-semi-space-size=8'],
      // libvips decodes each image on one thread of libuv's pool.
      env: childEnvironment('decoder', { UV_THREADPOOL_SIZE: String(imagesEach), MALLOC_ARENA_MAX: '2' }),
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', 'pipe', pixelSlots?.fd ?? 'ignore', imageSlots?.fd ?? 'ignore'],
    });
    const pipe = child.stdio[4] as Duplex;
    slot.child = child;
    slot.pipe = pipe;
    readFrames(pipe, ({ type, id, body }) => {
      if (slot.child === child) receive(slot, type, id, body);
    });
    // Writes to an ending process fail. Its exit event returns the images to the queue.
    pipe.on('error', () => {});
    let ended = false;
    const end = (reason: string) => {
      if (ended) return;
      ended = true;
      onExit(slot, reason);
    };
    child.on('exit', (code, signal) => end(signal ?? `exit code ${code}`));
    child.on('error', (error) => {
      if (child.pid === undefined) end(error.message);
    });
    const options: DecoderOptions = {
      ...crop,
      pixelSlotBytes: pixelSlots?.slotBytes,
      imageSlotBytes: imageSlots?.slotBytes,
    };
    writeFrame(pipe, frameTypes.options, 0, Buffer.from(JSON.stringify(options)));
    dispatch();
  }

  function receive(slot: Slot, type: number, id: number, body: Buffer): void {
    switch (type) {
      case frameTypes.pixels: {
        slot.failures = 0;
        const job = take(slot, id);
        if (job === undefined) break;
        leavePixelSlot(job);
        job.resolve(body);
        break;
      }
      case frameTypes.pixelsInSlot: {
        slot.failures = 0;
        const job = take(slot, id);
        const { slot: at } = job ?? {};
        if (job === undefined || at === undefined || pixelSlots === undefined) break;
        const copyTo = (target: Uint8Array) => pixelSlots.read(at, target);
        job.resolve({ copyTo, release: () => leavePixelSlot(job) });
        break;
      }
      case frameTypes.failed: {
        slot.failures = 0;
        const { code, message } = JSON.parse(body.toString()) as DecodeFault;
        const job = take(slot, id);
        if (job) refuse(job, new ServiceError(code, message));
        break;
      }
      case frameTypes.largeAsked:
        void grantLarge(slot, id);
        break;
      case frameTypes.largeDone:
        leaveLarge(slot, id);
        break;
    }
    listen(slot);
    dispatch();
  }

  /**
   * Gives a decoder permission for a large image. All decoders share one limit, because each large image may need a
   * gigabyte.
   */
  async function grantLarge(slot: Slot, id: number): Promise<void> {
    const { pipe } = slot;
    const job = slot.held.get(id);
    if (pipe === undefined || job === undefined) return;
    const gone = new AbortController();
    slot.large.set(id, () => gone.abort());
    slot.waitingForLarge++;
    const { takeLargePlace = takeOwnLargePlace(job.caller) } = job.caller;
    const release = await takeLargePlace(gone.signal).catch(() => undefined);
    if (slot.pipe !== pipe) return release?.();
    slot.waitingForLarge--;
    if (release === undefined) return;
    slot.large.set(id, release);
    writeFrame(pipe, frameTypes.largeGranted, id);
    listen(slot);
  }

  function leaveLarge(slot: Slot, id: number): void {
    slot.large.get(id)?.();
    slot.large.delete(id);
  }

  function refuse(job: Job, error: Error): void {
    leavePixelSlot(job);
    job.reject(error);
  }

  function leavePixelSlot(job: Job): void {
    if (job.slot !== undefined && !closed) pixelSlots?.free(job.slot);
    job.slot = undefined;
  }

  function take(slot: Slot, id: number): Job | undefined {
    const job = slot.held.get(id);
    slot.held.delete(id);
    return job;
  }

  /** Restarts the timer that kills a silent decoder, except while it waits for permission. */
  function listen(slot: Slot): void {
    clearTimeout(slot.silence);
    if (slot.held.size === 0 || slot.waitingForLarge > 0) return;
    slot.silence = setTimeout(() => slot.child?.kill('SIGKILL'), silenceMs).unref();
  }

  function onExit(slot: Slot, reason: string): void {
    clearTimeout(slot.silence);
    slot.child = undefined;
    slot.pipe = undefined;
    for (const id of [...slot.large.keys()]) leaveLarge(slot, id);
    slot.waitingForLarge = 0;
    const lost = [...slot.held.values()];
    slot.held.clear();
    if (closed) return;
    const [alone] = lost;
    if (alone && lost.length === 1) alone.deaths++;
    slot.isolating = true;
    for (const job of lost) {
      if (job.deaths < deathsOfPoison) slot.suspects.push(job);
      else refuse(job, new ServiceError('internal.poison', `This image crashed ${job.deaths} decoders (${reason})`));
    }
    slot.failures++;
    const pauseMs = slot.failures > 1 ? Math.min(longestPauseMs, firstPauseMs * 2 ** (slot.failures - 2)) : 0;
    slot.restart = setTimeout(() => start(slot), pauseMs).unref();
  }

  function dispatch(): void {
    for (const slot of slots) {
      if (slot.pipe === undefined || !slot.isolating || slot.held.size > 0) continue;
      const suspect = slot.suspects.shift();
      if (suspect) send(slot, suspect);
      else slot.isolating = false;
    }
    for (;;) {
      const slot = freest();
      const job = slot && (interactive.shift() ?? bulk.shift());
      if (slot === undefined || job === undefined) return;
      if (job.caller.signal?.aborted) job.reject(job.caller.signal.reason);
      else send(slot, job);
    }
  }

  function freest(): Slot | undefined {
    let best: Slot | undefined;
    for (const slot of slots) {
      if (slot.pipe === undefined || slot.isolating || slot.held.size >= imagesEach) continue;
      if (best === undefined || slot.held.size < best.held.size) best = slot;
    }
    return best;
  }

  function send(slot: Slot, job: Job): void {
    const id = nextId;
    nextId = (nextId + 1) % 2 ** 32;
    slot.held.set(id, job);
    if (slot.held.size === 1) listen(slot);
    const { pipe } = slot;
    if (pipe === undefined) return;
    job.slot ??= pixelSlots?.take();
    if (job.slot !== undefined) writeFrame(pipe, frameTypes.pixelSlot, id, undefined, [job.slot, 0]);
    if (job.bytes instanceof Uint8Array) writeFrame(pipe, frameTypes.image, id, job.bytes);
    else writeFrame(pipe, frameTypes.imageInSlot, id, undefined, [job.bytes.slot, job.bytes.length]);
  }

  return {
    crop: (bytes, caller) =>
      new Promise((resolve, reject) => {
        (caller.interactive ? interactive : bulk).push({ bytes, caller, slot: undefined, deaths: 0, resolve, reject });
        dispatch();
      }),
    pids: () => slots.flatMap(({ child }) => child?.pid ?? []),
    close() {
      if (closed) return;
      closed = true;
      pixelSlots?.close();
      for (const slot of slots) {
        clearTimeout(slot.silence);
        clearTimeout(slot.restart);
        slot.child?.kill('SIGKILL');
        for (const job of [...slot.held.values(), ...slot.suspects]) job.reject(new Error('The decoders are closed'));
      }
      for (const job of [...interactive, ...bulk]) job.reject(new Error('The decoders are closed'));
    },
  };
}
