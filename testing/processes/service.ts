import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The script and arguments of each process. Stubs compute scores without images or models. */
const entries = {
  service: ['start/service.ts'],
  api: ['api/main.ts'],
  worker: ['worker/main.ts'],
  'stub-api': ['testing/processes/stub-service.ts', 'api'],
  'stub-worker': ['testing/processes/stub-service.ts', 'worker'],
} as const;

export type Role = keyof typeof entries;

/** Never called. Its imports show `vitest --changed` the modules of a started process. */
export const modulesOfEntries = () =>
  Promise.all([import('../../start/service.ts'), import('../../api/main.ts'), import('../../worker/main.ts')]);

/** A process of the service, started as by a supervisor or in a container. */
export interface TestProcess {
  url: string;
  pid: number;
  output(): string;
  /** Stops the process gracefully. Returns its exit code. */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
}

/**
 * Starts a process of the service and waits until it is ready.
 * @param root the URL of the checkout, with a slash at the end. Default: that of this file.
 * @param args further arguments of a stub process.
 */
export async function startProcess(
  role: Role,
  env: Record<string, string>,
  root = new URL('../../', import.meta.url),
  args: readonly string[] = [],
): Promise<TestProcess> {
  const dataDir = mkdtempSync(join(tmpdir(), 'vls-data-'));
  const [file, ...rest] = entries[role];
  const child = fork(fileURLToPath(new URL(file, root)), [...rest, ...args], {
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, PORT: '0', METRICS_PORT: '0', DATA_DIR: dataDir, ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data: Buffer) => (output += data));
  const ended = once(child, 'exit');
  const url = await new Promise<string>((resolve, reject) => {
    child.on('message', (message: { type: string; url?: string }) => {
      if (message.type === 'ready' && message.url !== undefined) resolve(message.url);
    });
    ended.then(() => reject(new Error(`The ${role} ended before it was ready:\n${output}`)));
  });
  async function end(signal: NodeJS.Signals): Promise<number | null> {
    if (isRunning(child)) child.kill(signal);
    await ended;
    rmSync(dataDir, { recursive: true, force: true });
    return child.exitCode;
  }
  return {
    url,
    pid: child.pid ?? 0,
    output: () => output,
    stop: () => end('SIGTERM'),
    kill: async () => void (await end('SIGKILL')),
  };
}

const isRunning = (child: ChildProcess) => child.exitCode === null && child.signalCode === null;
