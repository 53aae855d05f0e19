/** Which processes tell a metric: `scoring` is everything that has encoders, so both API and worker. */
export type Teller = 'api' | 'worker' | 'scoring' | 'every process';

export interface Instrument {
  type: 'counter' | 'gauge' | 'histogram';
  from: Teller;
  labels: readonly string[];
  help: string;
  /** Upper bounds of a histogram, in the metric's unit. */
  buckets?: readonly number[];
  /** A counter that somebody else keeps, and that is read for each scrape; gauges all are. */
  keptElsewhere?: true;
}

const latency = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const shortLatency = [0.001, 0.0025, ...latency];
const longWait = [0.01, 0.1, 1, 5, 15, 60, 300, 900, 3600];

/**
 * Every metric of the service, beside what prom-client tells of the process (`process_*`, `nodejs_*`). Base units, and
 * labels from closed lists: routes are patterns, codes those of `shared/errors.ts`, models and profiles those of the
 * registry. docs/metrics.md is this list for people.
 */
export const instruments = {
  vls_build_info: {
    type: 'gauge',
    from: 'every process',
    labels: ['version'],
    help: 'Always 1; says which release runs',
  },
  vls_ready: {
    type: 'gauge',
    from: 'every process',
    labels: [],
    help: 'Whether the process is ready for work: 0 or 1',
  },

  vls_http_request_duration_seconds: {
    type: 'histogram',
    from: 'api',
    labels: ['method', 'route', 'status'],
    help: 'Duration of HTTP requests; its count is their number',
    buckets: latency,
  },
  vls_http_requests_in_flight: { type: 'gauge', from: 'api', labels: [], help: 'HTTP requests being answered' },

  vls_items_total: {
    type: 'counter',
    from: 'scoring',
    labels: ['mode', 'outcome', 'code'],
    help: 'Evaluated items by outcome and failure code',
  },
  vls_stage_duration_seconds: {
    type: 'histogram',
    from: 'scoring',
    labels: ['stage', 'mode'],
    help: 'Duration of the stages of an evaluation: fetch, queue_wait, decode and inference of an input, commit of a chunk',
    buckets: shortLatency,
  },
  vls_fetched_bytes_total: { type: 'counter', from: 'scoring', labels: [], help: 'Bytes of images that were got' },
  vls_fetch_retries_total: {
    type: 'counter',
    from: 'scoring',
    labels: ['code'],
    help: 'Downloads tried again, by what went wrong before',
  },
  vls_embedding_cache_lookups_total: {
    type: 'counter',
    from: 'scoring',
    labels: ['input', 'result'],
    help: 'Embeddings asked for: hit (cached), joined (being computed for somebody else), miss',
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
    help: 'Duration of one run of a tower over a micro-batch',
    buckets: shortLatency,
  },
  vls_micro_batch_size: {
    type: 'histogram',
    from: 'scoring',
    labels: ['model', 'input'],
    help: 'Inputs of one run of a tower',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
  },
  vls_encoders: {
    type: 'gauge',
    from: 'scoring',
    labels: ['model', 'state'],
    help: 'Encoder processes: those there should be (configured) and those that answer (ready)',
  },
  vls_encoder_restarts_total: {
    type: 'counter',
    keptElsewhere: true,
    from: 'scoring',
    labels: ['model'],
    help: 'Encoder processes that ended and were replaced',
  },
  vls_encoder_tasks: {
    type: 'gauge',
    from: 'scoring',
    labels: ['model', 'state'],
    help: 'Inputs that wait for an encoder (waiting) or are in one (in_flight)',
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
    help: 'Items of profiles whose traffic is shared, by the model that answered; faults of items do not count',
  },
  vls_arm_score: {
    type: 'histogram',
    from: 'scoring',
    labels: ['profile', 'model', 'role'],
    help: 'Scores of those items, in points of 0 to 100',
    buckets: [0, 5, 10, 15, 20, 25, 30, 35, 40, 50, 60, 80, 100],
  },
  vls_comparison_score_difference: {
    type: 'histogram',
    from: 'scoring',
    labels: ['profile', 'kind', 'candidate'],
    help: 'Distance of the scores of two models on the same item (canary, shadow), in points',
    buckets: [0.001, 0.01, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25],
  },
  vls_canary_phase: {
    type: 'gauge',
    from: 'scoring',
    labels: ['profile', 'model', 'phase'],
    help: '1 for what became of a canary: trial, promoted, rolled_back',
  },

  vls_chunks_total: {
    type: 'counter',
    from: 'worker',
    labels: ['queue', 'verdict'],
    help: 'Chunks taken from the queue, by what became of them',
  },
  vls_worker_silent_seconds: {
    type: 'gauge',
    from: 'worker',
    labels: ['queue'],
    help: 'How long chunks have waited while this worker was idle and took none',
  },
  vls_chunks_in_flight: { type: 'gauge', from: 'worker', labels: ['queue'], help: 'Chunks being evaluated' },
  vls_chunk_wait_seconds: {
    type: 'histogram',
    from: 'worker',
    labels: ['queue'],
    help: 'Time of a chunk in the queue before it was first taken',
    buckets: longWait,
  },
  vls_chunk_duration_seconds: {
    type: 'histogram',
    from: 'worker',
    labels: ['queue'],
    help: 'Duration of a chunk from pick to commit',
    buckets: latency,
  },
  vls_chunks_recovered_total: {
    type: 'counter',
    from: 'worker',
    labels: ['queue'],
    help: 'Chunks of dead workers that this one put back into the queue',
  },
  vls_batches_finished_total: {
    type: 'counter',
    from: 'worker',
    labels: ['state'],
    help: 'Batches that ended with a commit of this worker',
  },
  vls_worker_fault: {
    type: 'gauge',
    from: 'worker',
    labels: [],
    help: '1 while something keeps this worker from evaluating, so that it hands its chunks back',
  },

  vls_items_posted_total: {
    type: 'counter',
    from: 'scoring',
    labels: ['queue', 'profile'],
    help: 'Items of batches that were accepted',
  },
  vls_backlog_seconds: {
    type: 'gauge',
    from: 'api',
    labels: ['queue'],
    help: 'Time that the workers of a queue need for its pending items at their present speed; at one item a second while none is committed',
  },
  vls_items_pending: {
    type: 'gauge',
    from: 'api',
    labels: ['queue', 'profile'],
    help: 'Items of live batches without an outcome',
  },
  vls_items_per_second: {
    type: 'gauge',
    from: 'api',
    labels: ['queue'],
    help: 'Items that all workers of a queue commit a second, recently',
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
    help: 'Time since the oldest live batch was posted; 0 without one',
  },
  vls_queue_chunks: {
    type: 'gauge',
    from: 'api',
    labels: ['queue', 'state'],
    help: 'Jobs in a queue: waiting (delayed ones too), active, failed',
  },
  vls_queue_workers: { type: 'gauge', from: 'api', labels: ['queue'], help: 'Workers connected to the queue' },
  vls_queue_jobs_total: {
    type: 'counter',
    keptElsewhere: true,
    from: 'api',
    labels: ['queue', 'result'],
    help: "Finished jobs by BullMQ's own count: completed, failed",
  },

  vls_redis_up: {
    type: 'gauge',
    from: 'every process',
    labels: [],
    help: 'Whether Redis answers this process: 0 or 1',
  },
  vls_redis_fault: {
    type: 'gauge',
    from: 'every process',
    labels: ['fault'],
    help: 'What keeps Redis from serving this process, 1 for the fault there is: unreachable, silent, loading, password, not_permitted, read_only, full, disk, replicas, cluster, refused',
  },
  vls_redis_roundtrip_seconds: { type: 'gauge', from: 'api', labels: [], help: 'Time of one question to Redis' },
  vls_redis_memory_used_bytes: { type: 'gauge', from: 'api', labels: [], help: 'Memory that Redis uses for data' },
  vls_redis_memory_max_bytes: {
    type: 'gauge',
    from: 'api',
    labels: [],
    help: 'Memory that Redis may use: its limit, or that of its machine',
  },
  vls_redis_clients: { type: 'gauge', from: 'api', labels: [], help: 'Connections of Redis' },
  vls_redis_commands_total: {
    type: 'counter',
    keptElsewhere: true,
    from: 'api',
    labels: [],
    help: 'Commands that Redis has run',
  },
  vls_redis_evicted_keys_total: {
    type: 'counter',
    keptElsewhere: true,
    from: 'api',
    labels: [],
    help: 'Keys that Redis has thrown away for want of memory: any is lost work',
  },
  vls_redis_aof_ok: {
    type: 'gauge',
    from: 'api',
    labels: [],
    help: 'Whether Redis could write its last changes to disk: 0 or 1',
  },
} as const satisfies Record<string, Instrument>;

type Instruments = typeof instruments;
export type InstrumentName = keyof Instruments;

/** The labels of a metric, all of them. */
export type LabelsOf<Name extends InstrumentName> = Record<Instruments[Name]['labels'][number], string>;

type NamesOf<Type extends Instrument['type']> = {
  [Name in InstrumentName]: Instruments[Name]['type'] extends Type ? Name : never;
}[InstrumentName];
export type CounterName = NamesOf<'counter'>;
export type GaugeName = NamesOf<'gauge'>;
export type HistogramName = NamesOf<'histogram'>;
