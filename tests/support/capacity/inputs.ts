/** The load to carry. */
export const load = {
  itemsPerDay: 300_000_000,
  /** Of the busiest hour over the mean. */
  peakFactor: 3,
};

/** Printed by `npm run bench` on two shared cores (AVX-512); docs/benchmarks.md says what each of them means. */
export const measured = {
  /** CPU microseconds of an item with two APIs and four workers; fetch, decode and inference left out. */
  controlPlane: { api: 10, worker: 18, redis: 6.4 },
  /**
   * Chunks a second that saturate one Redis with `appendfsync always`: of 64 items, and of 4 as in batches up to 128,
   * when it is asked without pause; and of 64 by its CPU of an item, when it is asked one by one.
   */
  redisChunksPerSecond: { large: 6_200, small: 4_800, oneByOne: 2_600 },
  /** Pairs a second of a batch on two cores. */
  pairsPerSecondOfTwoCores: { compact: 130, vitB32: 32 },
  /** CPU milliseconds of a JPEG of 0.3 megapixels, decoded and resized. */
  decodeMs: 5,
  /** CPU milliseconds of an item in the worker's own process: download, hand over to an encoder, commit. */
  workerMs: 1.1,
  /** Bytes of an item in Redis, input and result: of the bench, whose addresses are much alike; and, by a test, with random names. */
  redisBytes: { alike: 46, random: 80 },
  /** Bytes in Redis of a chunk whose items and results lie in a bucket: two references, and its place in the log. */
  redisBytesOfChunkInBucket: 50,
  /** Bytes in Redis of a batch that has ended, beside its chunks: record, events, lowest and highest; from 100 items on. */
  redisBytesOfBatch: 26_000,
};

/** Nothing of this was measured here. */
export const assumed = {
  imageBytes: 60_000,
  /** Share of what a worker can do that is asked of it, as in deploy/k8s. */
  asked: 0.75,
  gpu: {
    name: 'NVIDIA L4',
    /** Data sheet, FP16 on tensor cores without sparsity. */
    teraflops: 121,
    /** Share of that which CLIP towers reach in micro-batches. */
    efficiency: 0.35,
  },
  /** Billions of operations of a pair: docs/model_profile.csv of OpenCLIP, image and text tower at full length. */
  gigaflops: { vitB32: 14.78, vitL14: 175.33 },
  /** Dollars an hour on demand in AWS' us-east-1, as of 2025 and not looked up since. */
  machines: {
    cpu: { name: 'c7i.2xlarge', vcpus: 8, dollars: 0.357 },
    gpu: { name: 'g6.2xlarge', vcpus: 8, dollars: 0.978 },
    redis: { name: 'r7g.xlarge', vcpus: 4, gigabytes: 32, dollars: 0.214 },
  },
  /** Dollars for a thousand requests to S3 in the same region. */
  s3: { get: 0.0004, put: 0.005 },
};
