/** The processes that report a metric. `scoring`: API and worker, which have encoders. */
export type Reporter = 'api' | 'worker' | 'scoring' | 'every process';

export interface Instrument {
  type: 'counter' | 'gauge' | 'histogram';
  from: Reporter;
  labels: readonly string[];
  help: string;
  /** The upper bounds of a histogram's buckets, in the unit of the metric. */
  buckets?: readonly number[];
  /** True for a counter that each scrape reads from another source, such as Redis. All gauges are read in this way. */
  isReadAtScrape?: true;
}

const latency = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const shortLatency = [0.001, 0.0025, ...latency];
const longWait = [0.01, 0.1, 1, 5, 15, 60, 300, 900, 3600];

/**
 * All metrics except those of prom-client (`process_*`, `nodejs_*`), in base units such as seconds and bytes. Label
 * values are never arbitrary: route patterns, codes of `shared/errors.ts` or names in the registry.
 */
export const instruments = {
  vls_build_info: {
    type: 'gauge',
    from: 'every process',
    labels: ['version'],
    help: 'Always 1; the label has the release',
  },
  vls_ready: {
    type: 'gauge',
    from: 'every process',
    labels: [],
    help: '1 if the process is ready for work, else 0',
  },

  vls_http_request_duration_seconds: {
    type: 'histogram',
    from: 'api',
    labels: ['method', 'route', 'status'],
    help: 'Duration of HTTP requests',
    buckets: latency,
  },
  vls_http_requests_in_flight: { type: 'gauge', from: 'api', labels: [], help: 'HTTP requests being answered' },

  vls_items_total: {
    type: 'counter',
    from: 'scoring',
    labels: ['mode', 'outcome', 'code'],
    help: 'Evaluated items by outcome and error code',
  },
  vls_stage_duration_seconds: {
    type: 'histogram',
    from: 'scoring',
    labels: ['stage', 'mode'],
    help: 'Duration of the stages of an evaluation: fetch, queue_wait, decode and inference of an input, commit of a chunk',
    buckets: shortLatency,
  },
  vls_fetched_bytes_total: { type: 'counter', from: 'scoring', labels: [], help: 'Bytes of fetched images' },
  vls_fetch_retries_total: {
    type: 'counter',
    from: 'scoring',
    labels: ['code'],
    help: 'Retried downloads, by the error code of the failed attempt',
  },
  vls_embedding_cache_lookups_total: {
    type: 'counter',
    from: 'scoring',
    labels: ['input', 'result'],
    help: 'Requested embeddings: hit (cached), joined (already being computed), miss',
  },
  vls_embedding_cache_bytes: { type: 'gauge', from: 'scoring', labels: [], help: 'Memory of cached embeddings' },

  vls_embeddings_total: {
    type: 'counter',
    from: 'scoring',
    labels: ['model', 'input'],
    help: 'Embeddings computed',
  },
  vls_run_duration_seconds: {
    type: 'histogram',
    from: 'scoring',
    labels: ['model', 'input'],
    help: 'Duration of one run of the vision or text model over a micro-batch',
    buckets: shortLatency,
  },
  vls_micro_batch_size: {
    type: 'histogram',
    from: 'scoring',
    labels: ['model', 'input'],
    help: 'Number of inputs in one run of the vision or text model',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
  },
  vls_encoders: {
    type: 'gauge',
    from: 'scoring',
    labels: ['model', 'state'],
    help: 'Encoder processes: their target number (configured) and those that answer (ready)',
  },
  vls_encoder_restarts_total: {
    type: 'counter',
    isReadAtScrape: true,
    from: 'scoring',
    labels: ['model'],
    help: 'Encoder processes that ended and were replaced',
  },
  vls_encoder_tasks: {
    type: 'gauge',
    from: 'scoring',
    labels: ['model', 'state'],
    help: 'Inputs that wait for an encoder (waiting) or that an encoder is processing (in_flight)',
  },
  vls_encoder_memory_bytes: {
    type: 'gauge',
    from: 'scoring',
    labels: ['model'],
    help: 'Resident memory of the encoder processes of a model (on Linux)',
  },

  vls_arm_items_total: {
    type: 'counter',
    from: 'scoring',
    labels: ['profile', 'model', 'role', 'outcome'],
    help: 'Items of profiles that divide their traffic among models, by the model that answered; invalid items do not count',
  },
  vls_arm_score: {
    type: 'histogram',
    from: 'scoring',
    labels: ['profile', 'model', 'role'],
    help: 'Scores of items (0 to 100), for profiles that divide their traffic among models',
    buckets: [0, 5, 10, 15, 20, 25, 30, 35, 40, 50, 60, 80, 100],
  },
  vls_comparison_score_difference: {
    type: 'histogram',
    from: 'scoring',
    labels: ['profile', 'kind', 'candidate'],
    help: 'Absolute difference in points between the scores that the main model and another model (canary or shadow) gave the same item',
    buckets: [0.001, 0.01, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25],
  },
  vls_canary_phase: {
    type: 'gauge',
    from: 'scoring',
    labels: ['profile', 'model', 'phase'],
    help: '1 for the phase of a canary: trial, promoted, rolled_back',
  },

  vls_chunks_total: {
    type: 'counter',
    from: 'worker',
    labels: ['queue', 'verdict'],
    help: 'Chunks taken from the queue, by outcome (verdict)',
  },
  vls_worker_silent_seconds: {
    type: 'gauge',
    from: 'worker',
    labels: ['queue'],
    help: 'Time for which chunks have waited while this worker was idle and took none',
  },
  vls_chunks_in_flight: { type: 'gauge', from: 'worker', labels: ['queue'], help: 'Chunks being evaluated' },
  vls_chunk_wait_seconds: {
    type: 'histogram',
    from: 'worker',
    labels: ['queue'],
    help: 'Time of a chunk in the queue until it is first taken',
    buckets: longWait,
  },
  vls_chunk_duration_seconds: {
    type: 'histogram',
    from: 'worker',
    labels: ['queue'],
    help: 'Time from the start of the work on a chunk to the commit of its results',
    buckets: latency,
  },
  vls_chunks_recovered_total: {
    type: 'counter',
    from: 'worker',
    labels: ['queue'],
    help: 'Chunks of crashed workers that this worker returned to the queue',
  },
  vls_batches_finished_total: {
    type: 'counter',
    from: 'worker',
    labels: ['state'],
    help: 'Batches that ended when this worker committed the results of a chunk',
  },
  vls_worker_fault: {
    type: 'gauge',
    from: 'worker',
    labels: [],
    help: '1 while this worker cannot evaluate and returns its chunks to the queue',
  },

  vls_items_posted_total: {
    type: 'counter',
    from: 'scoring',
    labels: ['queue', 'profile'],
    help: 'Items of accepted batches',
  },
  vls_backlog_seconds: {
    type: 'gauge',
    from: 'api',
    labels: ['queue'],
    help: 'Estimated time until the pending items of a queue are finished, from the recent rate of its workers; a rate of 0 counts as one item per second',
  },
  vls_items_pending: {
    type: 'gauge',
    from: 'api',
    labels: ['queue', 'profile'],
    help: 'Items of unfinished batches that have no outcome yet',
  },
  vls_items_per_second: {
    type: 'gauge',
    from: 'api',
    labels: ['queue'],
    help: 'Recent rate at which all workers of a queue commit items',
  },
  vls_batches: {
    type: 'gauge',
    from: 'api',
    labels: ['queue', 'profile', 'state'],
    help: 'Live batches: accepting (being sent), queued, running',
  },
  vls_batch_oldest_age_seconds: {
    type: 'gauge',
    from: 'api',
    labels: ['queue', 'profile'],
    help: 'Age of the oldest unfinished batch; 0 when all have ended',
  },
  vls_queue_chunks: {
    type: 'gauge',
    from: 'api',
    labels: ['queue', 'state'],
    help: 'Jobs in a queue: waiting (including delayed jobs), active, failed',
  },
  vls_queue_workers: { type: 'gauge', from: 'api', labels: ['queue'], help: 'Workers connected to the queue' },
  vls_queue_jobs_total: {
    type: 'counter',
    isReadAtScrape: true,
    from: 'api',
    labels: ['queue', 'result'],
    help: 'Finished jobs as counted by BullMQ: completed, failed',
  },

  vls_redis_up: {
    type: 'gauge',
    from: 'every process',
    labels: [],
    help: '1 if Redis answers this process, else 0',
  },
  vls_redis_fault: {
    type: 'gauge',
    from: 'every process',
    labels: ['fault'],
    help: '1 for the fault that Redis has now, 0 for the others. The faults are unreachable, silent, loading, password, not_permitted, read_only, full, disk, replicas, cluster, refused',
  },
  vls_redis_roundtrip_seconds: {
    type: 'gauge',
    from: 'api',
    labels: [],
    help: 'Round-trip time of a command to Redis',
  },
  vls_redis_memory_used_bytes: { type: 'gauge', from: 'api', labels: [], help: 'Memory used by Redis for data' },
  vls_redis_memory_max_bytes: {
    type: 'gauge',
    from: 'api',
    labels: [],
    help: 'Memory limit of Redis; without a limit, the memory of its machine',
  },
  vls_redis_clients: { type: 'gauge', from: 'api', labels: [], help: 'Open connections of Redis' },
  vls_redis_commands_total: {
    type: 'counter',
    isReadAtScrape: true,
    from: 'api',
    labels: [],
    help: 'Commands processed by Redis',
  },
  vls_redis_evicted_keys_total: {
    type: 'counter',
    isReadAtScrape: true,
    from: 'api',
    labels: [],
    help: 'Keys that Redis evicted because its memory was full; each evicted key is lost data of this service',
  },
  vls_redis_aof_ok: {
    type: 'gauge',
    from: 'api',
    labels: [],
    help: '1 if the last write of Redis to disk succeeded, else 0',
  },
} as const satisfies Record<string, Instrument>;

type Instruments = typeof instruments;
export type InstrumentName = keyof Instruments;

export type LabelsOf<Name extends InstrumentName> = Record<Instruments[Name]['labels'][number], string>;

type NamesOf<Type extends Instrument['type']> = {
  [Name in InstrumentName]: Instruments[Name]['type'] extends Type ? Name : never;
}[InstrumentName];
export type CounterName = NamesOf<'counter'>;
export type GaugeName = NamesOf<'gauge'>;
export type HistogramName = NamesOf<'histogram'>;
