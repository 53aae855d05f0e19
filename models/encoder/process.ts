import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { called } from '../../shared/called.ts';
import { childEnvironment } from '../../shared/child-environment.js';
import { createSlots } from '../slots.ts';
import { type FromEncoder, imageSlots, type ToEncoder } from './protocol.ts';

const encoderEntry = fileURLToPath(new URL('./main.ts', import.meta.url));

export interface EncoderProcess {
  readonly pid: number | undefined;
  send(message: ToEncoder): void;
  kill(): void;
}

export interface EncoderEvents {
  onMessage(message: FromEncoder): void;
  /** Called once, also when the process could not start. */
  onExit(reason: string): void;
}

/**
 * Starts an encoder process. Structured clone takes 0.19 ms for 60 KB, so images go through shared memory where
 * possible. Messages of the same tick are sent as one list: a message per text would cost a tenth of its inference
 * time.
 * @param entry the script of the process, which crash tests replace.
 */
export function forkEncoder(events: EncoderEvents, entry = encoderEntry): EncoderProcess {
  const slots = createSlots(imageSlots.count, imageSlots.bytes);
  /** Shared memory slots of images without a result, by image id. */
  const used = new Map<number, number>();
  const child: ChildProcess = fork(entry, [], {
    serialization: 'advanced',
    // Repeats an option of start/bootstrap/launch.js, for a parent that was started without it.
    execArgv: ['--max-semi-space-size=8'],
    env: childEnvironment('encoder', {
      VLS_CALLED: called,
      // libvips and ONNX Runtime use libuv's threads. With glibc's default of 8 arenas per core, memory grew slowly.
      UV_THREADPOOL_SIZE: String(Math.max(4, availableParallelism() + 2)),
      MALLOC_ARENA_MAX: '2',
      // Disables TF32, which changed cosines of tiny-clip by up to 7e-4 (H100).
      NVIDIA_TF32_OVERRIDE: process.env['NVIDIA_TF32_OVERRIDE'] ?? '0',
    }),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', slots?.fd ?? 'ignore'],
  });
  let ended = false;
  let outbox: ToEncoder[] = [];
  const flush = () => {
    const messages = outbox;
    outbox = [];
    // The exit event of an ending process returns lost messages to the queue.
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
