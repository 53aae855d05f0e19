import { setTimeout as delay } from 'node:timers/promises';
import { type BatchEngine, createBatchEngine } from '../batches/engine.ts';
import type { Evaluation } from '../evaluation/evaluation.ts';
import type { Encoders } from '../models/pool/encoders.ts';
import type { Registry } from '../models/registry/registry.ts';
import type { Config } from '../shared/config.ts';
import { createConnections } from '../shared/connections.ts';
import { listen } from '../shared/http-server.ts';
import type { Logger } from '../shared/log.ts';
import type { Metrics } from '../shared/metrics.ts';
import { probeKey } from '../shared/redis/keys.ts';
import { watchRedis } from '../shared/redis/watch.ts';
import { type Redis, whenConnected } from '../shared/redis.ts';
import { observeRedis } from '../shared/telemetry/redis-readings.ts';
import { version } from '../shared/version.ts';
import type { Traffic } from '../traffic/traffic.ts';
import { openKeyRing } from './access/key-ring.ts';
import { readMetricsToken } from './access/metrics-token.ts';
import { createApp } from './app.ts';

export interface ApiDeps {
  config: Config;
  log: Logger;
  metrics: Metrics;
  /** Of kind `producer`: commands fail at once while Redis is not connected. */
  redis: Redis;
  registry: Registry;
  evaluation: Evaluation;
  encoders: Encoders;
  traffic: Traffic;
}

export interface RunningApi {
  url: string;
  engine: BatchEngine;
  /** Refuses new requests and waits until those in flight are complete. */
  close(): Promise<void>;
}

/** The maximum time in ms for which the start waits for Redis. Single requests work without it. */
const redisTimeoutMs = 2_000;
/** The time in ms for which values from Redis are reused. Prometheus may scrape more often. */
const freshMs = 5_000;

/** Starts the API keys, the intake of batches and the HTTP service. */
export async function startApi(deps: ApiDeps): Promise<RunningApi> {
  const { config, log, metrics, redis, registry } = deps;
  const keys = await openKeyRing(config, log);
  const metricsToken = await readMetricsToken(config);
  const { retentionHours } = config;
  for (const profile of registry.profiles) metrics.begin('vls_items_posted_total', { queue: profile, profile });
  const engine = createBatchEngine({
    redis,
    profiles: () => registry.profiles,
    retentionHours,
    storage: config,
    onPosted: metrics.posted,
    log,
  });
  const redisWatch = watchRedis(redis, probeKey(redis), log);
  observeRedis(metrics, redis, redisWatch);
  metrics.onScrape({ read: engine.readings, freshMs });
  let isDraining = false;
  const connections = createConnections(config.maxConnections);
  const { isSurplus } = connections;
  const app = createApp({
    ...deps,
    ...engine,
    config: { ...config, metricsToken },
    redisWatch,
    keys,
    version,
    isDraining: () => isDraining,
    isSurplus,
  });
  // Without this wait, a batch posted immediately after the start would fail.
  await whenConnected(redis, redisTimeoutMs);
  await redisWatch.look();
  const server = await listen(app, config.host, config.port, 'PORT', connections);
  return {
    url: server.url,
    engine,
    async close() {
      isDraining = true;
      server.turnAway();
      await delay(config.drainDelayMs);
      engine.batches.close();
      await server.close();
      redisWatch.close();
    },
  };
}
