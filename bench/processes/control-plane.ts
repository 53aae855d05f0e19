import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forkScript } from '../../testing/processes/forked.ts';

/** Processes of the stub over one Redis. */
export interface ControlPlane {
  /** Where the APIs answer. */
  bases: string[];
  pids: Record<'api' | 'worker', number[]>;
  stop(): Promise<void>;
}

export async function startControlPlane(redisUrl: string, apis: number, workers: number): Promise<ControlPlane> {
  const directory = mkdtempSync(join(tmpdir(), 'vls-bench-'));
  const env = { REDIS_URL: redisUrl, PORT: '0', METRICS_PORT: '0', DATA_DIR: directory, LOG_LEVEL: 'error' };
  const start = <First>(role: string, count: number) =>
    Promise.all(
      Array.from({ length: count }, () => forkScript<First>('testing/processes/stub-service.ts', [role], env)),
    );
  const [running, others] = await Promise.all([start<{ url: string }>('api', apis), start('worker', workers)]);
  return {
    bases: running.map(({ ready }) => ready.url),
    pids: { api: running.map(({ pid }) => pid), worker: others.map(({ pid }) => pid) },
    async stop() {
      await Promise.all([...running, ...others].map((process) => process.stop()));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
