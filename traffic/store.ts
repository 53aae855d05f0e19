import { z } from 'zod';
import {
  type CanaryPhase,
  type ComparedPair,
  canaryPhase,
  type JudgedWindow,
  judgedWindow,
} from '../shared/contracts/traffic.ts';
import { loadScript } from '../shared/lua.ts';
import { trafficKeys } from '../shared/redis/keys.ts';
import type { Redis } from '../shared/redis.ts';
import { type ComparisonKind, type Counts, readPair } from './counts.ts';

const scripts = {
  addCounts: loadScript(new URL('./lua/add-counts.lua', import.meta.url)),
  settle: loadScript(new URL('./lua/settle.lua', import.meta.url)),
  decide: loadScript(new URL('./lua/decide.lua', import.meta.url)),
};

/**
 * The time in ms for which counts are stored after an experiment's last item. The state of its canary, a few hundred
 * bytes, is never deleted.
 */
const lifetimeMs = 30 * 24 * 3_600_000;

export interface ExperimentKey {
  profile: string;
  experiment: string;
}

/** Counts that a process has not yet added to Redis. */
export interface UnreportedCounts {
  add: Counts;
  /** Fields of which Redis stores the largest value, not the sum. */
  max: Counts;
  canary: UnreportedPairs;
  shadow: UnreportedPairs;
}

export interface UnreportedPairs {
  /** Score pairs as `writePair` returns them. */
  pairs: string[];
  /** The pairs with the largest score differences. */
  worst: [difference: number, pair: string][];
}

/** A pair with a large score difference, as stored in Redis. */
export type StoredPair = ComparedPair & { batchId?: string };

/** The state of a canary, a model on trial whose items are judged in consecutive windows. */
export interface CanaryState {
  phase: CanaryPhase;
  /** The number of the current window, from 1. */
  number: number;
  /** Windows passed in a row. */
  passed: number;
  /** The start of the current window, in ms since 1970. */
  startedAt: number;
  /** The start of the phase, in ms since 1970. */
  since: number;
  reason: string | null;
}

/** The current window of a canary. `now` is Redis's time in ms since 1970. */
export type OpenWindow = Pick<CanaryState, 'phase' | 'number' | 'startedAt'> & { now: number };

const stateHash = z.object({
  phase: canaryPhase,
  number: z.coerce.number(),
  passed: z.coerce.number(),
  startedAt: z.coerce.number(),
  since: z.coerce.number(),
  reason: z
    .string()
    .default('')
    .transform((reason) => reason || null),
});

/** Stores the counts of all processes, and the states of canaries. */
export interface TrafficStore {
  /**
   * Adds the counts of a process.
   * @returns the canary's phase and current window; undefined without a canary.
   */
  add(key: ExperimentKey, counts: UnreportedCounts, hasCanary: boolean): Promise<OpenWindow | undefined>;
  /** Returns undefined until a process has first added counts. */
  state(key: ExperimentKey): Promise<CanaryState | undefined>;
  /** Returns the counts of the current window. */
  window(key: ExperimentKey): Promise<Counts>;
  /** Returns the score pairs of the current window. */
  windowPairs(key: ExperimentKey): Promise<[reference: number, candidate: number][]>;
  /** Ends a window; only the first call has an effect. @returns true when this call ended it. */
  settle(
    key: ExperimentKey,
    window: JudgedWindow,
    phase: CanaryPhase,
    passed: number,
    reason: string,
  ): Promise<boolean>;
  decide(key: ExperimentKey, phase: CanaryPhase, reason: string): Promise<void>;
  totals(key: ExperimentKey): Promise<Counts>;
  windows(key: ExperimentKey): Promise<JudgedWindow[]>;
  /** Returns the latest score pairs of a comparison, and the pairs with the largest differences, largest first. */
  comparison(key: ExperimentKey, kind: ComparisonKind): Promise<{ pairs: [number, number][]; worst: ComparedPair[] }>;
  /** Removes the texts and images of a batch's pairs. The counts and scores remain. */
  removeBatch(key: ExperimentKey, batchId: string): Promise<void>;
}

export function createTrafficStore(redis: Redis): TrafficStore {
  const keysOf = ({ profile, experiment }: ExperimentKey) => trafficKeys(redis, profile, experiment);
  const numbers = (hash: Record<string, string>): Counts =>
    Object.fromEntries(Object.entries(hash).map(([field, value]) => [field, Number(value)]));

  return {
    async add(key, counts, hasCanary) {
      const keys = keysOf(key);
      const names = [
        keys.state,
        keys.totals,
        keys.window,
        keys.windowPairs,
        keys.canaryPairs,
        keys.canaryWorst,
        keys.shadowPairs,
        keys.shadowWorst,
      ];
      const values = [lifetimeMs, JSON.stringify(counts), hasCanary ? '1' : '0'];
      const reply = ((await scripts.addCounts(redis, names, values)) as Buffer[]).map(String);
      const [phase, number, startedAt, now] = reply;
      if (phase === undefined) return undefined;
      return {
        phase: canaryPhase.parse(phase),
        number: Number(number),
        startedAt: Number(startedAt),
        now: Number(now),
      };
    },
    async state(key) {
      const hash = await redis.hgetall(keysOf(key).state);
      return Object.keys(hash).length === 0 ? undefined : stateHash.parse(hash);
    },
    window: async (key) => numbers(await redis.hgetall(keysOf(key).window)),
    windowPairs: async (key) => (await redis.lrange(keysOf(key).windowPairs, 0, -1)).map(readPair),
    async settle(key, window, phase, passed, reason) {
      const { state, window: open, windowPairs, windows } = keysOf(key);
      const values = [window.number, JSON.stringify(window), phase, passed, reason, lifetimeMs];
      return (await scripts.settle(redis, [state, open, windowPairs, windows], values)) === 1;
    },
    async decide(key, phase, reason) {
      const { state, window, windowPairs } = keysOf(key);
      await scripts.decide(redis, [state, window, windowPairs], [phase, reason]);
    },
    totals: async (key) => numbers(await redis.hgetall(keysOf(key).totals)),
    async windows(key) {
      const stored = await redis.lrange(keysOf(key).windows, 0, -1);
      return stored.map((text) => judgedWindow.parse(JSON.parse(text)));
    },
    async comparison(key, kind) {
      const keys = keysOf(key);
      const [pairs, worst] = await Promise.all([
        redis.lrange(kind === 'canary' ? keys.canaryPairs : keys.shadowPairs, 0, -1),
        redis.zrevrange(kind === 'canary' ? keys.canaryWorst : keys.shadowWorst, 0, -1),
      ]);
      return { pairs: pairs.map(readPair), worst: worst.map((text) => withoutBatch(JSON.parse(text))) };
    },
    async removeBatch(key, batchId) {
      const { canaryWorst, shadowWorst } = keysOf(key);
      for (const worst of [canaryWorst, shadowWorst] as const) {
        const members = await redis.zrevrange(worst, 0, -1);
        const own = members.filter((text) => (JSON.parse(text) as StoredPair).batchId === batchId);
        if (own.length > 0) await redis.zrem(worst, ...own);
      }
    },
  };
}

const withoutBatch = ({ batchId: _batchId, ...pair }: StoredPair): ComparedPair => pair;
