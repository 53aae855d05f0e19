import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Embedded } from '../models/evaluator/protocol.ts';
import { type ModelSpec, modelKey } from '../models/model.ts';
import type { Evaluators } from '../models/pool/evaluators.ts';
import type { Metrics } from '../shared/metrics.ts';

/** Embeddings by content: whatever was embedded lately, or is being embedded now, is not computed again. */
export interface Embedder {
  image(spec: ModelSpec, bytes: Uint8Array, interactive: boolean): Promise<Embedded>;
  text(spec: ModelSpec, text: string, interactive: boolean): Promise<Embedded>;
}

/** Map entry, key and array headers of one cached embedding, in bytes; measured roughly, on the safe side. */
const entryOverheadBytes = 300;

type Input = { image: Uint8Array } | { text: string };

export function createEmbedder(evaluators: Pick<Evaluators, 'for'>, cacheBytes: number, metrics?: Metrics): Embedder {
  const cache =
    cacheBytes > 0
      ? new LRUCache<string, Embedded>({
          maxSize: cacheBytes,
          sizeCalculation: ({ embedding }, key) => embedding.byteLength + 2 * key.length + entryOverheadBytes,
        })
      : undefined;
  const pending = new Map<string, Promise<Embedded>>();

  metrics?.onScrape({
    read: () => [{ name: 'vls_embedding_cache_bytes', labels: {}, value: cache?.calculatedSize ?? 0 }],
  });

  for (const input of ['image', 'text'])
    for (const result of ['hit', 'joined', 'miss'])
      metrics?.begin('vls_embedding_cache_lookups_total', { input, result });

  /** One that was not computed for this asker does not say when it was. */
  async function once(spec: ModelSpec, key: string, input: Input, interactive: boolean): Promise<Embedded> {
    const looked = (result: 'hit' | 'joined' | 'miss') =>
      metrics?.count('vls_embedding_cache_lookups_total', { input: 'image' in input ? 'image' : 'text', result });
    const cached = cache?.get(key);
    if (cached !== undefined) {
      looked('hit');
      return { ...cached, decodeMs: 0, inferenceMs: 0 };
    }
    // A person must not wait for the batch's place in the queue, so the two kinds do not share a computation.
    const pendingKey = `${interactive}:${key}`;
    const running = pending.get(pendingKey);
    if (running !== undefined) {
      looked('joined');
      return withoutTimes(await running);
    }
    looked('miss');
    const computation = compute(spec, input, interactive).finally(() => pending.delete(pendingKey));
    pending.set(pendingKey, computation);
    const embedded = await computation;
    cache?.set(key, withoutTimes(embedded));
    return embedded;
  }

  async function compute(spec: ModelSpec, input: Input, interactive: boolean): Promise<Embedded> {
    const start = performance.now();
    const embedded = await evaluators.for(spec).embed(input, { interactive });
    if (metrics !== undefined) {
      const { decodeMs, inferenceMs } = embedded;
      const mode = interactive ? 'single' : 'batch';
      const waitedMs = Math.max(0, performance.now() - start - decodeMs - inferenceMs);
      metrics.stage('queue_wait', mode, waitedMs / 1000);
      if ('image' in input) metrics.stage('decode', mode, decodeMs / 1000);
      metrics.stage('inference', mode, inferenceMs / 1000);
    }
    return embedded;
  }

  return {
    image: (spec, bytes, interactive) =>
      once(spec, `${modelKey(spec)}:image:${hash('sha256', bytes, 'base64')}`, { image: bytes }, interactive),
    text: (spec, text, interactive) => once(spec, `${modelKey(spec)}:text:${text}`, { text }, interactive),
  };
}

function withoutTimes({ began: _began, ...embedded }: Embedded): Embedded {
  return embedded;
}
