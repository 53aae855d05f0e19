import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { BatchList } from '../../shared/contracts/batch/list.ts';
import { createClient } from '../client.ts';
import { bearer, createKeyFile } from '../key-file.ts';
import { forkScript } from '../processes/forked.ts';
import { startProcess, type TestProcess } from '../processes/service.ts';
import { childrenOf } from '../processes/tree.ts';
import { startRedis, type TestRedis } from '../redis/single.ts';
import { bucket, startS3, type TestS3 } from '../s3/server.ts';
import type { Battlefield, Counts } from './hostile.ts';
import { type Hosts, hostsAllowed } from './hosts.ts';
import { hostileFiles } from './reference.ts';

const batches = '/v1/evaluation/batch';
/** The time limit in ms for deleting a tenant's batches. Each deletion restarts it. */
const deleteMs = 120_000;

export const tenants = ['ordinary', 'hostile'] as const;

export interface StageOptions {
  /** The checkout whose service is started. Default: that of this file. */
  directory?: string | undefined;
  /** The processes of API and worker. `together`: one process, as with `npm start`. `apart`: two. */
  processes: 'together' | 'apart';
  logLevel: 'info' | 'error';
}

export interface RunningAttack {
  /** Stops the attack and deletes its batches. @returns the attacker's responses by status. */
  end(): Promise<Counts>;
}

/** The environment of an attack: a service, its servers, and two tenants, all on loopback. */
export interface Stage {
  redis: TestRedis;
  s3: TestS3;
  hosts: Hosts;
  keys: Record<(typeof tenants)[number], string>;
  /** Returns the address of the API, which a restart changes. */
  base(): string;
  apiPid(): number;
  /** Returns the ids of the running processes of the service and its encoders. */
  pids(): number[];
  /** Returns true while API and worker run. Encoders are not checked. */
  isRunning(): boolean;
  logged(): number;
  lastLines(): string;
  /** Starts an attack in its own process. */
  attack(name: string, seed: number): Promise<RunningAttack>;
  /** Deletes all batches of both tenants, including those whose post was interrupted. */
  deleteBatches(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startStage({ directory, processes, logLevel }: StageOptions): Promise<Stage> {
  const root = directory === undefined ? undefined : pathToFileURL(`${directory}/`);
  const keyFile = createKeyFile();
  const keys = { ordinary: keyFile.add('ordinary'), hostile: keyFile.add('hostile') };
  const [redis, s3, hosts] = await Promise.all([
    startRedis(),
    startS3(),
    forkScript<Hosts>('testing/attacks/hosts.ts'),
  ]);
  for (const [name, make] of Object.entries(hostileFiles)) await s3.put(`hostile/${name}`, make());
  const env = {
    ...s3.env,
    REDIS_URL: redis.url,
    API_KEYS_FILE: keyFile.path,
    BATCH_BUCKETS: `*=s3://${bucket}/{tenant}/`,
    IMAGE_HOSTS_ALLOW: hostsAllowed,
    WEBHOOK_HOSTS_ALLOW: hostsAllowed,
    WEBHOOK_SECRET: `whsec_${Buffer.alloc(24, 'bench').toString('base64')}`,
    // Cached embeddings would make the ordinary tenant faster than a real tenant.
    EMBEDDING_CACHE_MB: '0',
    // A fixed value prevents calibration, which would run during the first measurement.
    MICRO_BATCH: '8',
    LOG_LEVEL: logLevel,
    // The values of `npm start`, which influence memory use.
    NODE_OPTIONS: '--max-semi-space-size=8',
    MALLOC_ARENA_MAX: '2',
    UV_THREADPOOL_SIZE: '16',
  };
  const roles = processes === 'together' ? (['service'] as const) : (['api', 'worker'] as const);
  let running: TestProcess[] = [];
  const api = () => {
    const [first] = running;
    if (first === undefined) throw new Error('The service is not started');
    return first;
  };

  async function start(): Promise<void> {
    running = [];
    for (const role of roles) running.push(await startProcess(role, env, root));
  }
  const end = () => Promise.all(running.map((process) => process.stop()));

  await start();
  return {
    redis,
    s3,
    hosts: hosts.ready,
    keys,
    base: () => api().url,
    apiPid: () => api().pid,
    pids: () => running.flatMap(({ pid }) => [pid, ...childrenOf(pid, 'vls-encoder')]),
    isRunning: () => running.every(({ pid }) => exists(pid)),
    logged: () => running.reduce((sum, process) => sum + process.output().length, 0),
    lastLines: () => running.map((process) => process.output().slice(-2_000)).join('\n'),
    async attack(name, seed) {
      const folder = `s3://${bucket}/hostile/`;
      const field: Battlefield = { base: api().url, key: keys.hostile, hosts: hosts.ready, folder };
      const attacker = await forkScript('testing/attacks/attacker.ts', [name, String(seed), JSON.stringify(field)]);
      return {
        async end() {
          const counts = await attacker.ask<Counts>('end');
          await attacker.stop('SIGKILL');
          return counts;
        },
      };
    },
    async deleteBatches() {
      for (const key of Object.values(keys)) {
        const { call } = createClient(api().url, bearer(key));
        let until = performance.now() + deleteMs;
        for (let isEmpty = false; !isEmpty && performance.now() < until && running.every(({ pid }) => exists(pid)); ) {
          const signal = AbortSignal.timeout(deleteMs);
          const answer = await call<BatchList>(`${batches}?limit=200`, { signal }).catch(() => undefined);
          const { batches: found } = answer?.status === 200 ? answer.body : { batches: undefined };
          isEmpty = found?.length === 0;
          for (const { id } of found ?? [])
            await call(`${batches}/${id}`, { method: 'DELETE', signal }).then(
              ({ status }) => {
                // A busy machine may leave thousands of batches, so each deletion extends the time limit.
                if (status === 204) until = performance.now() + deleteMs;
              },
              () => {},
            );
          if (!isEmpty) await delay(200);
        }
      }
    },
    async restart() {
      await end();
      await start();
    },
    async stop() {
      await end();
      await Promise.all([hosts.stop(), redis.remove(), s3.remove()]);
    },
  };
}

/** Returns true when a process exists. Node reaps child processes at once. */
function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
