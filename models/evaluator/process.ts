import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../../shared/child-environment.js';
import type { FromEvaluator, ToEvaluator } from './protocol.ts';

const evaluatorEntry = fileURLToPath(new URL('./main.ts', import.meta.url));

/** An evaluator process as its parent sees it. */
export interface EvaluatorProcess {
  readonly pid: number | undefined;
  send(message: ToEvaluator): void;
  /** Ends the process at once; its exit is reported like any other. */
  kill(): void;
}

export interface EvaluatorEvents {
  onMessage(message: FromEvaluator): void;
  /** Called once, however the process ended. */
  onExit(reason: string): void;
}

/**
 * Forks an evaluator. Bytes and embeddings cross by structured clone ("advanced"): 0.19 ms for a 60 KB picture. What is
 * said at the same moment crosses as one list: a message of its own for each text costs as much as a tenth of its run.
 * @param entry another script that speaks the same protocol, for tests of what a crash does.
 */
export function forkEvaluator(events: EvaluatorEvents, entry = evaluatorEntry): EvaluatorProcess {
  const child: ChildProcess = fork(entry, [], {
    serialization: 'advanced',
    // As in start/bootstrap/launch.js, for whoever was started in another way.
    execArgv: ['--max-semi-space-size=8'],
    env: childEnvironment('encoder', {
      // libvips decodes and ONNX Runtime runs on libuv's threads; glibc's 8 arenas a core let memory creep.
      UV_THREADPOOL_SIZE: String(Math.max(4, availableParallelism() + 2)),
      MALLOC_ARENA_MAX: '2',
    }),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  let ended = false;
  let outbox: ToEvaluator[] = [];
  const flush = () => {
    const messages = outbox;
    outbox = [];
    // A message to a process that is just dying is lost, and its exit event brings the work back.
    child.send(messages, () => {});
  };
  const end = (reason: string) => {
    if (ended) return;
    ended = true;
    events.onExit(reason);
  };
  child.on('message', (messages) => {
    for (const message of messages as FromEvaluator[]) events.onMessage(message);
  });
  child.on('exit', (code, signal) => end(signal ?? `exit code ${code}`));
  child.on('error', (error) => {
    if (child.pid === undefined) end(error.message);
  });
  return {
    pid: child.pid,
    send(message) {
      if (outbox.push(message) === 1) queueMicrotask(flush);
    },
    kill: () => void child.kill('SIGKILL'),
  };
}
