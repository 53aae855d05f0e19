/**
 * Version of the steps from picture to tensor. Part of every receipt and of every cache key: change it whenever
 * the pixels that reach the vision tower change.
 */
export const preprocessVersion = 'pillow-bicubic-2';

export type Precision = 'fp32' | 'fp16' | 'int8';
export type Provider = 'cpu' | 'cuda' | 'coreml' | 'dml';

/** What an evaluator needs to load a model; plain data, so that it crosses to another process. */
export interface ModelSpec {
  model: string;
  revision: string;
  precision: Precision;
  provider: Provider;
  visionPath: string;
  textPath: string;
  tokenizerPath: string;
  tokenizerConfigPath: string;
  /** Side of the square the vision tower sees, in pixels. */
  imageSize: number;
  /** Per channel, on values in [0, 1]. */
  mean: readonly [number, number, number];
  std: readonly [number, number, number];
  /** Most tokens the text tower takes, special tokens included. */
  contextLength: number;
  /** Length of an embedding. */
  dimensions: number;
  /** Factor before the softmax over candidates. */
  logitScale: number;
  /** Pictures and texts that one run of a tower takes at most. */
  microBatch: { images: number; texts: number };
  /** Resident memory of one evaluator with this model, in bytes. */
  memoryBytes: number;
}

/** What makes two embeddings comparable: the key of caches, and what a batch pins. */
export const modelKey = (spec: Pick<ModelSpec, 'model' | 'revision' | 'precision'>): string =>
  `${spec.model}@${spec.revision}/${spec.precision}/${preprocessVersion}`;
