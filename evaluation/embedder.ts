import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Embedded } from '../models/evaluator/protocol.ts';
import { type ModelSpec, modelKey } from '../models/model.ts';
import type { Evaluators } from '../models/pool/evaluators.ts';

/** Embeddings by content: whatever was embedded lately, or is being embedded now, is not computed again. */
export interface Embedder {
  image(spec: ModelSpec, bytes: Uint8Array, interactive: boolean): Promise<Embedded>;
  text(spec: ModelSpec, text: string, interactive: boolean): Promise<Embedded>;
}

/** Map entry, key and array headers of one cached embedding, in bytes; measured roughly, on the safe side. */
const entryOverheadBytes = 300;

export function createEmbedder(evaluators: Evaluators, cacheBytes: number): Embedder {
  const cache =
    cacheBytes > 0
      ? new LRUCache<string, Embedded>({
          maxSize: cacheBytes,
          sizeCalculation: ({ embedding }, key) => embedding.byteLength + 2 * key.length + entryOverheadBytes,
        })
      : undefined;
  const pending = new Map<string, Promise<Embedded>>();

  async function once(key: string, interactive: boolean, embed: () => Promise<Embedded>): Promise<Embedded> {
    const cached = cache?.get(key);
    if (cached !== undefined) return { ...cached, decodeMs: 0, inferenceMs: 0 };
    // A person must not wait for the batch's place in the queue, so the two kinds do not share a computation.
    const pendingKey = `${interactive}:${key}`;
    const running = pending.get(pendingKey);
    if (running !== undefined) return await running;
    const computation = embed().finally(() => pending.delete(pendingKey));
    pending.set(pendingKey, computation);
    const embedded = await computation;
    cache?.set(key, embedded);
    return embedded;
  }

  return {
    image: (spec, bytes, interactive) =>
      once(`${modelKey(spec)}:image:${hash('sha256', bytes, 'base64')}`, interactive, () =>
        evaluators.for(spec).embed({ image: bytes }, { interactive }),
      ),
    text: (spec, text, interactive) =>
      once(`${modelKey(spec)}:text:${text}`, interactive, () => evaluators.for(spec).embed({ text }, { interactive })),
  };
}
