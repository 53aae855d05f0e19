import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Embedded } from '../models/encoder/protocol.ts';
import { type ModelSpec, modelKey } from '../models/model.ts';
import type { Encoders } from '../models/pool/encoders.ts';
import type { EmbedOptions } from '../models/pool/pool.ts';
import type { EncoderInput } from '../models/pool/task.ts';
import type { Metrics } from '../shared/metrics.ts';
import { createInFlight } from './in-flight.ts';

/** Caches embeddings by the content of the image or text. Callers share a running computation. */
export interface EmbeddingCache {
  /**
   * @param contentHash the result of {@link contentHashOf} for these bytes, if the caller has it.
   * @throws {ServiceError} the error of the encoders; the reason of the signal when it aborts first.
   */
  image(spec: ModelSpec, bytes: Uint8Array, options: EmbedOptions, contentHash?: string): Promise<Embedded>;
  text(spec: ModelSpec, text: string, options: EmbedOptions): Promise<Embedded>;
}

/** The measured bytes of a cached embedding beyond its numbers, rounded up. */
const entryOverheadBytes = 300;

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
  const pending = createInFlight<Embedded>();

  metrics?.onScrape({
    read: () => [{ name: 'vls_embedding_cache_bytes', labels: {}, value: cache?.calculatedSize ?? 0 }],
  });

  for (const input of ['image', 'text'])
    for (const result of ['hit', 'joined', 'miss'])
      metrics?.begin('vls_embedding_cache_lookups_total', { input, result });

  /**
   * Returns the embedding of an input, computed at most once. The result has start times only if this call caused the
   * encoder run.
   */
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
    // For the same embedding, an interactive request must not wait for batch work, nor a tenant for the work of another
    // tenant.
    const { interactive, tenant = '', signal } = options;
    const pendingKey = `${interactive}:${tenant}:${key}`;
    const isJoined = pending.has(pendingKey);
    countLookup(isJoined ? 'joined' : 'miss');
    const embedded = await pending.join(
      pendingKey,
      (ending) => compute(spec, input, { interactive, tenant, signal: ending }),
      signal,
    );
    if (isJoined) return withoutTimes(embedded);
    cache?.set(key, withoutTimes(embedded));
    return embedded;
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
    image: (spec, bytes, options, contentHash = contentHashOf(bytes)) =>
      embedOnce(spec, `${modelKey(spec)}:image:${contentHash}`, { image: bytes }, options),
    text: (spec, text, options) => embedOnce(spec, `${modelKey(spec)}:text:${text}`, { text }, options),
  };
}

export const contentHashOf = (bytes: Uint8Array): string => hash('sha256', bytes, 'base64');

/** Returns the embedding for a caller that did not cause its encoder run. */
export function withoutTimes({ began: _began, ...embedded }: Embedded): Embedded {
  return embedded;
}
