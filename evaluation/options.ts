import type { ImageLoader } from '../images/loader.ts';
import type { LongText } from '../shared/contracts/item.ts';
import type { Metrics } from '../shared/metrics.ts';
import type { BatchMemories } from './batch-memory.ts';
import type { EmbeddingCache } from './embedding-cache.ts';
import type { ImagePlaces } from './image-places.ts';

/** Dependencies shared by all evaluations of a process. */
export interface EvaluationParts {
  images: ImageLoader;
  embeddings: EmbeddingCache;
  places: ImagePlaces;
  metrics: Metrics | undefined;
  memories: BatchMemories;
}

/** Options of one evaluation. */
export interface EvaluationOptions {
  /** How to treat a text with more tokens than the model reads: cut it with a warning (default), or `text.too_long`. */
  longText?: LongText | undefined;
  /** Tenants share downloads, decoding and encoding fairly. Callers without a tenant count as one. */
  tenant?: string | undefined;
  /** Aborts the caller's work: the wait for a place, the download, or the encoder task. */
  signal?: AbortSignal | undefined;
  /** True for batch work, which runs after all interactive work. */
  isBatch?: boolean | undefined;
  /** The batch of the pairs. Calls for the same batch load and embed each image and text once. */
  batchId?: string | undefined;
}
