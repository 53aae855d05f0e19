import { type BatchState, terminalStates } from '../../shared/contracts/batch.ts';
import { type ItemResult, longText as longTextSchema } from '../../shared/contracts/item.ts';
import { trafficPlan } from '../../shared/contracts/traffic.ts';
import type { Logger } from '../../shared/log.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import type { Dispatcher } from '../queue/dispatch.ts';
import { decodeInput, encodeOutput, type InputChunk, type JobData } from '../store/payload.ts';
import type { PayloadStore } from '../store/payload-store.ts';
import type { Pinned } from '../store/record.ts';
import { runScript } from '../store/scripts.ts';
import { type Ending, inFlightMs } from './ending.ts';
import { type Edges, tallyOf } from './tally.ts';

/** A chunk that a worker evaluates, or why there is none. `lost`: its items are gone, and its batch has failed. */
export type Picked =
  | {
      verdict: 'run';
      input: InputChunk;
      pinned: Omit<Pinned, 'profile'>;
      edges: Edges;
      traceparent?: string | undefined;
    }
  | { verdict: 'done' | 'stopped' | 'lost' | 'gone' };

export type Committed = { verdict: 'committed' | 'already' | 'late'; state: BatchState } | { verdict: 'gone' };

/** The steps of a worker with a chunk. Each is one atomic script and may be repeated. */
export interface Chunks {
  /**
   * Takes a chunk and lets the next of its batch into the queue.
   * @throws {ServiceError} `storage.unavailable`; the chunk is then given back.
   */
  pick(job: JobData, profile: string): Promise<Picked>;
  /**
   * Records a chunk's outcomes; the second time nothing is counted.
   * @throws {ServiceError} `storage.unavailable`
   */
  commit(job: JobData, input: InputChunk, results: ItemResult[], edges?: Edges): Promise<Committed>;
  /** Which of these batches take no more outcomes: they are stopped, ended or deleted. */
  stopped(batchIds: readonly string[]): Promise<string[]>;
  /** Gives a chunk back that cannot be evaluated here now. */
  release(job: JobData): Promise<void>;
  /** Says in the status why no worker can evaluate the batch; ends one for which that has been so for too long. */
  block(job: JobData, why: string): Promise<void>;
  /** Ends the batch of a chunk whose items are gone for good. */
  fail(job: JobData): Promise<void>;
}

/**
 * A batch that no worker can evaluate fails after this time, in milliseconds: two attempts to load a model, of five
 * minutes each, with the longest pause of five minutes between them.
 */
const modelPatienceMs = 900_000;

export function createChunks(
  redis: Redis,
  dispatcher: Dispatcher,
  ending: Ending,
  payloads: PayloadStore,
  log: Logger,
): Chunks {
  async function release({ batchId, chunk }: JobData): Promise<void> {
    const keys = batchKeys(redis, batchId);
    const names = [keys.batch, keys.done, keys.waiting, keys.active, keys.events];
    if ((await runScript(redis, 'release', names, [chunk, ending.retentionMs])) === 2) await ending.settle(batchId);
  }

  async function fail({ tenant, batchId, chunk }: JobData): Promise<void> {
    log.error({ batchId, tenant, chunk }, 'the stored items of a chunk are gone, the batch fails');
    await ending.stop(batchId, { state: 'failed', reason: 'input_lost' });
  }

  return {
    async pick(job, profile) {
      const { tenant, batchId, chunk } = job;
      const keys = batchKeys(redis, batchId);
      const names = [keys.batch, keys.done, keys.waiting, keys.active, keys.input(chunk), keys.events];
      const reply = (await runScript(redis, 'pick', names, [chunk, ending.retentionMs])) as PickReply;
      const verdict = String(reply[0]) as Picked['verdict'] | 'ended';
      if (verdict !== 'run') {
        await dispatcher.passedOver(profile, job);
        if (verdict === 'ended') await ending.settle(batchId);
        if (verdict === 'lost') await fail(job);
        return { verdict: verdict === 'ended' ? 'stopped' : verdict };
      }
      const [, kept, fields] = reply as Required<PickReply>;
      const [
        priority,
        below,
        above,
        model = '',
        revision = '',
        precision = '',
        preprocess = '',
        textCleaning,
        longText,
        traceparent,
        traffic,
      ] = fields.map((field) => field?.toString());
      await dispatcher.taken({ id: batchId, tenant, profile, priority: Number(priority ?? 0) }, chunk);
      const input = await payloads.get(batchId, kept).catch(async (error: unknown) => {
        await release(job);
        throw error;
      });
      return {
        verdict,
        input: decodeInput(input),
        pinned: {
          model,
          revision,
          precision,
          preprocess,
          textCleaning,
          longText: longTextSchema.parse(longText),
          traffic: traffic === undefined ? undefined : trafficPlan.parse(JSON.parse(traffic)),
        },
        edges: { lowestBelow: Number(below ?? 2), highestAbove: Number(above ?? -2) },
        traceparent,
      };
    },

    async commit({ tenant, batchId, chunk }, input, results, edges) {
      const keys = batchKeys(redis, batchId);
      const names = [
        keys.batch,
        keys.done,
        keys.waiting,
        keys.active,
        keys.failures,
        keys.log,
        keys.output(chunk),
        keys.events,
        keys.histogram,
        keys.lowest,
        keys.highest,
      ];
      const tally = JSON.stringify(tallyOf(input, results, edges));
      const kept = await payloads.putOutput(batchId, chunk, encodeOutput({ results, exact: input.exact }));
      const values = [chunk, kept, ending.retentionMs, tally, inFlightMs];
      const reply = (await runScript(redis, 'commit', names, values)) as [Buffer, Buffer, number];
      const verdict = String(reply[0]) as Committed['verdict'];
      if (verdict === 'gone') {
        // What was put just now came too late to be removed with the batch.
        await payloads.forget(batchId).catch(() => {});
        return { verdict };
      }
      const state = String(reply[1]) as BatchState;
      const hasStopped = reply[2] === 1;
      if (hasStopped) log.info({ batchId, tenant }, 'batch stopped by its failure budget');
      // In the other slot, so it may be lost with this process: the sweeper does it then.
      if (terminalStates.has(state)) await ending.settle(batchId);
      else if (hasStopped) await ending.withdraw(batchId);
      return { verdict, state };
    },

    async stopped(batchIds) {
      const stopped = await Promise.all(
        batchIds.map(async (batchId) => {
          const [state, stopState] = await redis.hmget(batchKeys(redis, batchId).batch, 'state', 'stopState');
          return stopState != null || (state !== 'queued' && state !== 'running') ? [batchId] : [];
        }),
      );
      return stopped.flat();
    },

    release,
    async block({ tenant, batchId }, why) {
      const keys = batchKeys(redis, batchId);
      const values = [why.slice(0, 500), modelPatienceMs, ending.retentionMs, inFlightMs];
      const reply = (await runScript(redis, 'block', [keys.batch, keys.active, keys.events], values)) as Buffer[];
      const verdict = String(reply[0]);
      if (verdict === 'ended' || verdict === 'stopped') log.warn({ batchId, tenant, why }, 'no worker has its model');
      if (verdict === 'ended') await ending.settle(batchId);
      else if (verdict === 'stopped') await ending.withdraw(batchId);
    },
    fail,
  };
}

type PickReply = [verdict: Buffer, input?: Buffer, fields?: (Buffer | null)[]];
