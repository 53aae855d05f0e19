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
  observe: loadScript(new URL('./lua/observe.lua', import.meta.url)),
  settle: loadScript(new URL('./lua/settle.lua', import.meta.url)),
  decide: loadScript(new URL('./lua/decide.lua', import.meta.url)),
};

/**
 * What is known of an experiment is kept so long after the last that was seen of it, in milliseconds; what became of its
 * canary for ever, in a few hundred bytes.
 */
const keptMs = 30 * 24 * 3_600_000;

/** Which experiment of which profile. */
export interface Place {
  profile: string;
  experiment: string;
}

/** What a process has seen of an experiment since it last said so. */
export interface Seen {
  add: Counts;
  /** The largest counts instead of being added. */
  max: Counts;
  canary: SeenPairs;
  shadow: SeenPairs;
}

export interface SeenPairs {
  /** As `writePair` writes them. */
  pairs: string[];
  /** Those furthest apart. */
  worst: [difference: number, pair: string][];
}

/** A pair as it is stored among those furthest apart. */
export type StoredPair = ComparedPair & { batchId?: string };

/** The canary of an experiment. */
export interface CanaryState {
  phase: CanaryPhase;
  /** Of the open window, from 1. */
  number: number;
  /** Windows passed in a row. */
  passed: number;
  /** In milliseconds since 1970. */
  startedAt: number;
  since: number;
  reason: string | null;
}

/** The open window of a canary, and the time of Redis, in milliseconds since 1970. */
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

/** Experiments as all processes together have seen them. */
export interface TrafficStore {
  /** Adds what was seen. @returns the canary's phase and open window, when it has one, and the time of Redis. */
  observe(place: Place, seen: Seen, hasCanary: boolean): Promise<OpenWindow | undefined>;
  /** Nothing before anything was seen of it. */
  state(place: Place): Promise<CanaryState | undefined>;
  /** What the open window has. */
  window(place: Place): Promise<Counts>;
  /** The scores that both models gave in it. */
  windowPairs(place: Place): Promise<[reference: number, candidate: number][]>;
  /** Ends a window, once. @returns whether it was this call that did. */
  settle(place: Place, window: JudgedWindow, phase: CanaryPhase, passed: number, reason: string): Promise<boolean>;
  decide(place: Place, phase: CanaryPhase, reason: string): Promise<void>;
  totals(place: Place): Promise<Counts>;
  windows(place: Place): Promise<JudgedWindow[]>;
  /** The latest scores of both, and the pairs furthest apart, the furthest first. */
  comparison(place: Place, kind: ComparisonKind): Promise<{ pairs: [number, number][]; worst: ComparedPair[] }>;
  /** Removes the pairs of a batch. Sums and scores stay; they quote nothing. */
  forget(place: Place, batchId: string): Promise<void>;
}

export function createTrafficStore(redis: Redis): TrafficStore {
  const keysOf = ({ profile, experiment }: Place) => trafficKeys(redis, profile, experiment);
  const numbers = (hash: Record<string, string>): Counts =>
    Object.fromEntries(Object.entries(hash).map(([field, value]) => [field, Number(value)]));

  return {
    async observe(place, seen, hasCanary) {
      const keys = keysOf(place);
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
      const values = [keptMs, JSON.stringify(seen), hasCanary ? '1' : '0'];
      const reply = ((await scripts.observe(redis, names, values)) as Buffer[]).map(String);
      const [phase, number, startedAt, now] = reply;
      if (phase === undefined) return undefined;
      return {
        phase: canaryPhase.parse(phase),
        number: Number(number),
        startedAt: Number(startedAt),
        now: Number(now),
      };
    },
    async state(place) {
      const hash = await redis.hgetall(keysOf(place).state);
      return Object.keys(hash).length === 0 ? undefined : stateHash.parse(hash);
    },
    window: async (place) => numbers(await redis.hgetall(keysOf(place).window)),
    windowPairs: async (place) => (await redis.lrange(keysOf(place).windowPairs, 0, -1)).map(readPair),
    async settle(place, window, phase, passed, reason) {
      const { state, window: open, windowPairs, windows } = keysOf(place);
      const values = [window.number, JSON.stringify(window), phase, passed, reason, keptMs];
      return (await scripts.settle(redis, [state, open, windowPairs, windows], values)) === 1;
    },
    async decide(place, phase, reason) {
      const { state, window, windowPairs } = keysOf(place);
      await scripts.decide(redis, [state, window, windowPairs], [phase, reason]);
    },
    totals: async (place) => numbers(await redis.hgetall(keysOf(place).totals)),
    async windows(place) {
      const stored = await redis.lrange(keysOf(place).windows, 0, -1);
      return stored.map((text) => judgedWindow.parse(JSON.parse(text)));
    },
    async comparison(place, kind) {
      const keys = keysOf(place);
      const [pairs, worst] = await Promise.all([
        redis.lrange(kind === 'canary' ? keys.canaryPairs : keys.shadowPairs, 0, -1),
        redis.zrevrange(kind === 'canary' ? keys.canaryWorst : keys.shadowWorst, 0, -1),
      ]);
      return { pairs: pairs.map(readPair), worst: worst.map((text) => withoutBatch(JSON.parse(text))) };
    },
    async forget(place, batchId) {
      const { canaryWorst, shadowWorst } = keysOf(place);
      for (const key of [canaryWorst, shadowWorst] as const) {
        const members = await redis.zrevrange(key, 0, -1);
        const own = members.filter((text) => (JSON.parse(text) as StoredPair).batchId === batchId);
        if (own.length > 0) await redis.zrem(key, ...own);
      }
    },
  };
}

const withoutBatch = ({ batchId: _batchId, ...pair }: StoredPair): ComparedPair => pair;
