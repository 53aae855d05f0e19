import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../../shared/child-environment.js';
import { createSlots } from '../slots.ts';
import { type FromEncoder, imageSlots, type ToEncoder } from './protocol.ts';

const encoderEntry = fileURLToPath(new URL('./main.ts', import.meta.url));

/** An encoder process as its parent sees it. */
export interface EncoderProcess {
  readonly pid: number | undefined;
  send(message: ToEncoder): void;
  /** Ends the process at once; its exit is reported like any other. */
  kill(): void;
}

export interface EncoderEvents {
  onMessage(message: FromEncoder): void;
  /** Called once, however the process ended. */
  onExit(reason: string): void;
}

/**
 * Forks an encoder. Messages cross by structured clone ("advanced"), in which an image of 60 KB costs 0.19 ms; so the
 * bytes of images lie in shared slots where there are some. What is said at the same moment crosses as one list: a
 * message of its own for each text costs as much as a tenth of its run.
 * @param entry another script that speaks the same protocol, for tests of what a crash does.
 */
export function forkEncoder(events: EncoderEvents, entry = encoderEntry): EncoderProcess {
  const slots = createSlots(imageSlots.count, imageSlots.bytes);
  /** Slots by the id of their image, until that is answered. */
  const used = new Map<number, number>();
  const child: ChildProcess = fork(entry, [], {
    serialization: 'advanced',
    // As in start/bootstrap/launch.js, for whoever was started in another way.
    execArgv: ['--max-semi-space-size=8'],
    env: childEnvironment('encoder', {
      // libvips decodes and ONNX Runtime runs on libuv's threads; glibc's 8 arenas a core let memory creep.
      UV_THREADPOOL_SIZE: String(Math.max(4, availableParallelism() + 2)),
      MALLOC_ARENA_MAX: '2',
      // fp32 is fp32: with TF32, which ONNX Runtime asks of CUDA, cosines of tiny-clip are off by up to 7e-4 (H100).
      NVIDIA_TF32_OVERRIDE: process.env['NVIDIA_TF32_OVERRIDE'] ?? '0',
    }),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', slots?.fd ?? 'ignore'],
  });
  let ended = false;
  let outbox: ToEncoder[] = [];
  const flush = () => {
    const messages = outbox;
    outbox = [];
    // A message to a process that is just dying is lost, and its exit event brings the work back.
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

  /** The same message with its bytes in a slot, where one is free and large enough. */
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
