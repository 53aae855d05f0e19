import type { ImageLoader } from '../images/loader.ts';
import type { LongText } from '../shared/contracts/item.ts';
import type { Metrics } from '../shared/metrics.ts';
import type { BatchMemories } from './batch-memory.ts';
import type { EmbeddingCache } from './embedding-cache.ts';
import type { ImagePlaces } from './image-places.ts';
import type { Pair } from './outcome.ts';

export interface EvaluationParts {
  images: ImageLoader;
  embeddings: EmbeddingCache;
  places: ImagePlaces;
  metrics: Metrics | undefined;
  memories: BatchMemories;
}

export interface ScoredPair {
  image: Float32Array;
  text: Float32Array;
  /** SHA-256 of the image's bytes in base64; undefined for a stored embedding. */
  contentHash: string | undefined;
}

export interface EvaluationOptions {
  /**
   * A text with more tokens than the model reads is truncated with a warning (the default), or refused with
   * `text.too_long`.
   */
  longText?: LongText | undefined;
  /** Tenants share downloads, decoding and encoding fairly. Callers without a tenant count as one. */
  tenant?: string | undefined;
  /** Aborts the caller's wait for memory, its download, or its encoder task. */
  signal?: AbortSignal | undefined;
  /** True for batch work, which runs after all interactive work. */
  isBatch?: boolean | undefined;
  /** Calls for the same batch embed each image and text once. */
  batchId?: string | undefined;
  onScored?: ((pair: Pair, scored: ScoredPair) => void) | undefined;
}
