import type { FailureReason } from '../../../shared/contracts/batch/status.ts';
import { loadScript } from '../../../shared/lua.ts';
import { batchKeys } from '../../../shared/redis/keys.ts';
import type { Redis } from '../../../shared/redis.ts';

const script = loadScript(new URL('./stop.lua', import.meta.url));

export type Stop = { state: 'cancelled' } | { state: 'failed'; reason: FailureReason };

/** See stop.lua for each verdict. */
export type Stopped = 'ended' | 'stopping' | 'terminal' | 'gone';

/**
 * The maximum time in ms that a stopped batch waits for its chunks in flight. A chunk takes up to 20 s with images on
 * slow hosts, and that of a crashed worker returns to the queue within 15 s.
 */
export const inFlightMs = 30_000;

export async function stopBatch(redis: Redis, id: string, stop: Stop, retentionMs: number): Promise<Stopped> {
  const keys = batchKeys(redis, id);
  const values = [stop.state, 'reason' in stop ? stop.reason : '', retentionMs, inFlightMs];
  return String(await script(redis, [keys.batch, keys.active, keys.events], values)) as Stopped;
}
