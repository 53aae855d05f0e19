import pLimit from 'p-limit';
import type { Embedded } from '../models/encoder/protocol.ts';
import type { ModelSpec } from '../models/model.ts';
import type { ImageSource } from '../shared/contracts/item.ts';
import { ServiceError } from '../shared/errors.ts';
import type { EvaluationOptions, EvaluationParts } from './options.ts';
import type { Stages } from './stages.ts';
import { checkTokens, nameOf } from './texts.ts';

/**
 * The maximum number of texts of one request that wait for an encoder, so that a request with a thousand texts does not
 * block others.
 */
export const textsInFlight = 32;

/** Loads and embeds one image of a request. `fetchMs` is its download time. */
export async function embedImage(
  { images, embeddings, places }: EvaluationParts,
  spec: ModelSpec,
  source: ImageSource | Uint8Array,
  stages: Stages,
  { tenant, signal, isBatch = false }: EvaluationOptions,
): Promise<{ embedded: Embedded; bytes: Uint8Array; fetchMs: number }> {
  const caller = { interactive: !isBatch, tenant, signal };
  const embed = async (bytes: Uint8Array, fetchMs: number) => {
    const embedded = await embeddings.image(spec, bytes, caller);
    stages.embedded(embedded);
    return { embedded, bytes, fetchMs };
  };
  if (source instanceof Uint8Array) return await embed(source, 0);
  return await places.hold(isBatch ? 'batch' : 'single', caller, async () => {
    // The wait for memory does not count: the admission of requests uses this time as a measure of the speed of image
    // hosts.
    const start = performance.now();
    const bytes = await stages.fetch(() => images.load(source, caller));
    return await embed(bytes, performance.now() - start);
  });
}

export async function embedText(
  { embeddings }: EvaluationParts,
  spec: ModelSpec,
  text: string,
  stages: Stages,
  { longText, tenant, signal, isBatch = false }: EvaluationOptions,
  name?: string,
): Promise<Embedded> {
  const embedded = await embeddings.text(spec, text, { interactive: !isBatch, tenant, signal });
  stages.embedded(embedded);
  checkTokens(embedded, longText, spec, name);
  return embedded;
}

/** When one text fails or the client disconnects, texts that no encoder has started are dropped. */
export async function embedTexts(
  parts: EvaluationParts,
  spec: ModelSpec,
  texts: readonly string[],
  stages: Stages,
  options: EvaluationOptions,
): Promise<{ text: string; embedded: Embedded }[]> {
  const limit = pLimit(textsInFlight);
  try {
    return await Promise.all(
      texts.map((text, at) =>
        limit(async () => {
          options.signal?.throwIfAborted();
          return { text, embedded: await embedText(parts, spec, text, stages, options, nameOf(at, texts)) };
        }),
      ),
    );
  } finally {
    limit.clearQueue();
  }
}

/**
 * Returns options with a signal that also aborts when `end` is called. After a failure, `end` stops the other downloads
 * of the request, which would count against no limit.
 */
export function endingWith(asked: EvaluationOptions): { options: EvaluationOptions; end: () => void } {
  const ended = new AbortController();
  const signal = asked.signal === undefined ? ended.signal : AbortSignal.any([asked.signal, ended.signal]);
  return {
    options: { ...asked, signal },
    end: () => ended.abort(new ServiceError('request.aborted', 'Another part of the request has failed')),
  };
}
