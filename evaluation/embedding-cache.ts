import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Embedded } from '../models/encoder/protocol.ts';
import { type ModelSpec, modelKey } from '../models/model.ts';
import type { Encoders } from '../models/pool/encoders.ts';
import type { EmbedOptions } from '../models/pool/pool.ts';
import type { Metrics } from '../shared/metrics.ts';

/** Embeddings by content: whatever was embedded lately, or is being embedded now, is not computed again. */
export interface EmbeddingCache {
  /** @throws {ServiceError} what the encoders throw; the signal's reason when that aborts first. */
  image(spec: ModelSpec, bytes: Uint8Array, options: EmbedOptions): Promise<Embedded>;
  text(spec: ModelSpec, text: string, options: EmbedOptions): Promise<Embedded>;
}

/** Map entry, key and array headers of one cached embedding, in bytes; measured roughly, on the safe side. */
const entryOverheadBytes = 300;

/** A computation that runs, and how many wait for it. */
interface Running {
  embedded: Promise<Embedded>;
  callers: number;
  abort: AbortController;
}

type Input = { image: Uint8Array } | { text: string };

export function createEmbeddingCache(
  encoders: Pick<Encoders, 'for'>,
  cacheBytes: number,
  metrics?: Metrics,
): EmbeddingCache {
  const cache =
    cacheBytes > 0
      ? new LRUCache<string, Embedded>({
          maxSize: cacheBytes,
          sizeCalculation: ({ embedding }, key) => embedding.byteLength + 2 * key.length + entryOverheadBytes,
        })
      : undefined;
  const pending = new Map<string, Running>();

  metrics?.onScrape({
    read: () => [{ name: 'vls_embedding_cache_bytes', labels: {}, value: cache?.calculatedSize ?? 0 }],
  });

  for (const input of ['image', 'text'])
    for (const result of ['hit', 'joined', 'miss'])
      metrics?.begin('vls_embedding_cache_lookups_total', { input, result });

  /** One that was not computed for this caller does not say when it was. */
  async function once(spec: ModelSpec, key: string, input: Input, options: EmbedOptions): Promise<Embedded> {
    const looked = (result: 'hit' | 'joined' | 'miss') =>
      metrics?.count('vls_embedding_cache_lookups_total', { input: 'image' in input ? 'image' : 'text', result });
    const cached = cache?.get(key);
    if (cached !== undefined) {
      looked('hit');
      return { ...cached, decodeMs: 0, inferenceMs: 0 };
    }
    // A person must not wait for the batch's place in the queue, nor a tenant for that of another.
    const { interactive, tenant = '', signal } = options;
    const pendingKey = `${interactive}:${tenant}:${key}`;
    const running = pending.get(pendingKey);
    if (running !== undefined) {
      looked('joined');
      return withoutTimes(await shareOf(pendingKey, running, signal));
    }
    looked('miss');
    const abort = new AbortController();
    const embedded = compute(spec, input, { interactive, tenant, signal: abort.signal }).finally(() =>
      forget(pendingKey, started),
    );
    // It fails for those that wait; when all have left, nobody listens.
    embedded.catch(() => {});
    const started: Running = { embedded, callers: 0, abort };
    pending.set(pendingKey, started);
    const computed = await shareOf(pendingKey, started, signal);
    cache?.set(key, withoutTimes(computed));
    return computed;
  }

  function forget(pendingKey: string, running: Running): void {
    if (pending.get(pendingKey) === running) pending.delete(pendingKey);
  }

  /** Waits for a computation until the signal aborts. It is aborted with the last that leaves. */
  async function shareOf(pendingKey: string, running: Running, signal: AbortSignal | undefined): Promise<Embedded> {
    running.callers++;
    if (signal === undefined) return await running.embedded;
    const { promise: left, reject } = Promise.withResolvers<never>();
    const leave = () => {
      reject(signal.reason);
      if (--running.callers > 0) return;
      forget(pendingKey, running);
      running.abort.abort(signal.reason);
    };
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([running.embedded, left]);
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  async function compute(spec: ModelSpec, input: Input, options: EmbedOptions): Promise<Embedded> {
    const start = performance.now();
    const embedded = await encoders.for(spec).embed(input, options);
    if (metrics !== undefined) {
      const { decodeMs, inferenceMs } = embedded;
      const mode = options.interactive ? 'single' : 'batch';
      const waitedMs = Math.max(0, performance.now() - start - decodeMs - inferenceMs);
      metrics.stage('queue_wait', mode, waitedMs / 1000);
      if ('image' in input) metrics.stage('decode', mode, decodeMs / 1000);
      metrics.stage('inference', mode, inferenceMs / 1000);
    }
    return embedded;
  }

  return {
    image: (spec, bytes, options) =>
      once(spec, `${modelKey(spec)}:image:${hash('sha256', bytes, 'base64')}`, { image: bytes }, options),
    text: (spec, text, options) => once(spec, `${modelKey(spec)}:text:${text}`, { text }, options),
  };
}

function withoutTimes({ began: _began, ...embedded }: Embedded): Embedded {
  return embedded;
}
