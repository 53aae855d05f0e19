import type { ImageLoader } from '../images/loader.ts';
import type { LongText } from '../shared/contracts/item.ts';
import type { Metrics } from '../shared/metrics.ts';
import type { EmbeddingCache } from './embedding-cache.ts';
import type { ImagePlaces } from './image-places.ts';

/** Parts that every evaluation of a process shares. */
export interface EvaluationParts {
  images: ImageLoader;
  embeddings: EmbeddingCache;
  places: ImagePlaces;
  metrics: Metrics | undefined;
}

/** Options of one evaluation. */
export interface EvaluationOptions {
  /** How to treat a text with more tokens than the model reads: cut it with a warning (default), or `text.too_long`. */
  longText?: LongText | undefined;
  /** Tenants share downloads, decoding and encoding fairly. Callers without a tenant count as one. */
  tenant?: string | undefined;
  /** Aborts what is in flight for the caller: the wait for a place, the download, the task of an encoder. */
  signal?: AbortSignal | undefined;
  /** Runs after all interactive work, as work of a batch. */
  isBatch?: boolean | undefined;
}
