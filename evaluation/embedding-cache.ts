import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Embedded } from '../models/encoder/protocol.ts';
import { type ModelSpec, modelKey } from '../models/model.ts';
import type { Encoders } from '../models/pool/encoders.ts';
import type { EmbedOptions } from '../models/pool/pool.ts';
import type { EncoderInput } from '../models/pool/task.ts';
import type { Metrics } from '../shared/metrics.ts';

/** A cache of embeddings by content. Inputs in the cache, or being computed, are not computed again. */
export interface EmbeddingCache {
  /** @throws {ServiceError} the encoders' error; the signal's reason when that aborts first. */
  image(spec: ModelSpec, bytes: Uint8Array, options: EmbedOptions): Promise<Embedded>;
  text(spec: ModelSpec, text: string, options: EmbedOptions): Promise<Embedded>;
}

/** Memory of the map entry, key and array headers for each cached embedding, measured and rounded up. */
const entryOverheadBytes = 300;

/** An embedding being computed, and the number of callers that wait for it. */
interface Computation {
  embedded: Promise<Embedded>;
  callers: number;
  abort: AbortController;
}

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
  const pending = new Map<string, Computation>();

  metrics?.onScrape({
    read: () => [{ name: 'vls_embedding_cache_bytes', labels: {}, value: cache?.calculatedSize ?? 0 }],
  });

  for (const input of ['image', 'text'])
    for (const result of ['hit', 'joined', 'miss'])
      metrics?.begin('vls_embedding_cache_lookups_total', { input, result });

  /** Cached and joined results carry no start times: this caller did not cause the run. */
  async function embedOnce(
    spec: ModelSpec,
    key: string,
    input: EncoderInput,
    options: EmbedOptions,
  ): Promise<Embedded> {
    const countLookup = (result: 'hit' | 'joined' | 'miss') =>
      metrics?.count('vls_embedding_cache_lookups_total', { input: 'image' in input ? 'image' : 'text', result });
    const cached = cache?.get(key);
    if (cached !== undefined) {
      countLookup('hit');
      return { ...cached, decodeMs: 0, inferenceMs: 0 };
    }
    // An interactive request must not wait for a batch task that computes the same, nor one tenant for another's.
    const { interactive, tenant = '', signal } = options;
    const pendingKey = `${interactive}:${tenant}:${key}`;
    const running = pending.get(pendingKey);
    if (running !== undefined) {
      countLookup('joined');
      return withoutTimes(await join(pendingKey, running, signal));
    }
    countLookup('miss');
    const abort = new AbortController();
    const embedded = compute(spec, input, { interactive, tenant, signal: abort.signal }).finally(() =>
      forget(pendingKey, started),
    );
    // A failure reaches the callers that wait. When all have left, none handles it.
    embedded.catch(() => {});
    const started: Computation = { embedded, callers: 0, abort };
    pending.set(pendingKey, started);
    const computed = await join(pendingKey, started, signal);
    cache?.set(key, withoutTimes(computed));
    return computed;
  }

  function forget(pendingKey: string, running: Computation): void {
    if (pending.get(pendingKey) === running) pending.delete(pendingKey);
  }

  /** Waits for a computation until the signal aborts. When the last caller has left, the computation is aborted. */
  async function join(pendingKey: string, running: Computation, signal: AbortSignal | undefined): Promise<Embedded> {
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

  async function compute(spec: ModelSpec, input: EncoderInput, options: EmbedOptions): Promise<Embedded> {
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
      embedOnce(spec, `${modelKey(spec)}:image:${hash('sha256', bytes, 'base64')}`, { image: bytes }, options),
    text: (spec, text, options) => embedOnce(spec, `${modelKey(spec)}:text:${text}`, { text }, options),
  };
}

function withoutTimes({ began: _began, ...embedded }: Embedded): Embedded {
  return embedded;
}
