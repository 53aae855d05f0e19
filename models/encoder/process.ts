import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { called } from '../../shared/called.ts';
import { childEnvironment } from '../../shared/child-environment.js';
import { createSlots } from '../slots.ts';
import { type FromEncoder, imageSlots, type ToEncoder } from './protocol.ts';

const encoderEntry = fileURLToPath(new URL('./main.ts', import.meta.url));

/** An encoder process, as its parent sees it. */
export interface EncoderProcess {
  readonly pid: number | undefined;
  send(message: ToEncoder): void;
  /** Kills the process. As after any end of the process, `onExit` is then called. */
  kill(): void;
}

export interface EncoderEvents {
  onMessage(message: FromEncoder): void;
  /** Called once when the process has ended, for any reason. */
  onExit(reason: string): void;
}

/**
 * Starts an encoder process. Messages are sent by structured clone ("advanced"). This takes 0.19 ms for an image of 60
 * KB, so images are passed in shared memory where possible. All messages of the same tick are sent as one list, because
 * a separate message for a text would take a tenth of the time in which the tower runs over it.
 * @param entry the script of the process. Crash tests replace it by a script with the same protocol.
 */
export function forkEncoder(events: EncoderEvents, entry = encoderEntry): EncoderProcess {
  const slots = createSlots(imageSlots.count, imageSlots.bytes);
  /** The shared memory slots of the images that have no result yet, by image id. */
  const used = new Map<number, number>();
  const child: ChildProcess = fork(entry, [], {
    serialization: 'advanced',
    // start/bootstrap/launch.js sets the same option. It is repeated here for a parent that was started without that
    // script.
    execArgv: ['--max-semi-space-size=8'],
    env: childEnvironment('encoder', {
      VLS_CALLED: called,
      // libvips and ONNX Runtime use the thread pool of libuv. The number of glibc's arenas is limited, because memory
      // grew slowly with the default of 8 arenas for each core.
      UV_THREADPOOL_SIZE: String(Math.max(4, availableParallelism() + 2)),
      MALLOC_ARENA_MAX: '2',
      // Disables TF32, which ONNX Runtime enables in CUDA by default. TF32 changes cosines of the model tiny-clip by up
      // to 7e-4 (H100).
      NVIDIA_TF32_OVERRIDE: process.env['NVIDIA_TF32_OVERRIDE'] ?? '0',
    }),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', slots?.fd ?? 'ignore'],
  });
  let ended = false;
  let outbox: ToEncoder[] = [];
  const flush = () => {
    const messages = outbox;
    outbox = [];
    // A message to a process that is ending is lost. Its exit event then returns the work to the queue.
    child.send(messages, () => {});
  };
  const end = (reason: string) => {
    if (ended) return;
    ended = true;
    slots?.close();
    events.onExit(reason);
  };
  child.on('message', (messages) => {
    for (const message of messages as FromEncoder[]) {
      if (message.type === 'embedded' || message.type === 'failed') leaveSlot(message.id);
      events.onMessage(message);
    }
  });
  child.on('exit', (code, signal) => end(signal ?? `exit code ${code}`));
  child.on('error', (error) => {
    if (child.pid === undefined) end(error.message);
  });
  function leaveSlot(id: number): void {
    const slot = used.get(id);
    if (slot === undefined || ended) return;
    used.delete(id);
    slots?.free(slot);
  }

  /** Moves the image of a message into shared memory, if a free slot is large enough. */
  function inSlot(message: ToEncoder): ToEncoder {
    if (message.type !== 'image' || !(message.bytes instanceof Uint8Array) || slots === undefined || ended)
      return message;
    const { id, bytes } = message;
    const slot = bytes.length > slots.slotBytes ? undefined : slots.take();
    if (slot === undefined) return message;
    used.set(id, slot);
    if (slots.write(slot, bytes)) return { ...message, bytes: { slot, length: bytes.length } };
    leaveSlot(id);
    return message;
  }

  return {
    pid: child.pid,
    send(message) {
      if (outbox.push(inSlot(message)) === 1) queueMicrotask(flush);
    },
    kill: () => void child.kill('SIGKILL'),
  };
}
