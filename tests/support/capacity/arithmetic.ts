import { assumed, load, measured } from './inputs.ts';

const { cpu, gpu } = assumed.machines;
const daySeconds = 86_400;
export const itemsOfChunk = 64;
/** Items of the chunks with which every batch begins. */
const itemsOfSmallChunk = 4;
/** Items of a batch that has small chunks alone. */
export const itemsOfSmallBatch = 128;

/** Items a second. */
export const mean = load.itemsPerDay / daySeconds;
export const peak = mean * load.peakFactor;

export interface Workers {
  model: string;
  machine: string;
  /** The limiting resource. */
  bound: string;
  /** Items a second of one machine that does nothing else. */
  itemsPerSecond: number;
  /** Machines at the mean and at the peak, with what is to spare. */
  atMean: number;
  atPeak: number;
  /** For a million items, when machines come and go with the load. */
  dollars: number;
}

function workers(model: string, machine: typeof cpu, bound: string, itemsPerSecond: number): Workers {
  const asked = itemsPerSecond * assumed.asked;
  return {
    model,
    machine: machine.name,
    bound,
    itemsPerSecond,
    atMean: Math.ceil(mean / asked),
    atPeak: Math.ceil(peak / asked),
    dollars: (machine.dollars * 1e6) / asked / 3_600,
  };
}

/** Pairs a second that a GPU could run, if it were never kept waiting. */
export const gpuRate = (gigaflops: number): number =>
  (assumed.gpu.teraflops * 1e3 * assumed.gpu.efficiency) / gigaflops;

/** Images a second that the CPUs beside a GPU download and decode. */
export const feedRate = (gpu.vcpus * 1_000) / (measured.decodeMs + measured.workerMs);

const onCpu = (model: string, ofTwo: number) => workers(model, cpu, 'CPU', (ofTwo / 2) * cpu.vcpus);
const onGpu = (model: string, gigaflops: number) => {
  const rate = gpuRate(gigaflops);
  return workers(model, gpu, rate < feedRate ? 'GPU' : 'decoding on its CPUs', Math.min(rate, feedRate));
};

export const fleet: Workers[] = [
  onCpu('compact', measured.pairsPerSecondOfTwoCores.compact),
  onCpu('ViT-B/32 fp32', measured.pairsPerSecondOfTwoCores.vitB32),
  onGpu('ViT-B/32 fp16', assumed.gigaflops.vitB32),
  onGpu('ViT-L/14 fp16', assumed.gigaflops.vitL14),
];

/** Cores at the peak. */
export const controlPlaneCores = Object.fromEntries(
  Object.entries(measured.controlPlane).map(([kind, microseconds]) => [kind, (peak * microseconds) / 1e6]),
) as Record<keyof typeof measured.controlPlane, number>;

/** Items a second that saturate one Redis. */
export const redisLimit = {
  large: measured.redisChunksPerSecond.large * itemsOfChunk,
  small: measured.redisChunksPerSecond.small * itemsOfSmallChunk,
  oneByOne: measured.redisChunksPerSecond.oneByOne * itemsOfChunk,
};

/** Gigabytes of so many hours of items. */
export const redisGigabytes = (bytesOfItem: number, hours: number): number =>
  (load.itemsPerDay * (hours / 24) * bytesOfItem) / 1e9;

export const bytesOfItemInBucket = measured.redisBytesOfChunkInBucket / itemsOfChunk;

export const network = {
  meanGigabits: (mean * assumed.imageBytes * 8) / 1e9,
  peakGigabits: (peak * assumed.imageBytes * 8) / 1e9,
  terabytesOfDay: (load.itemsPerDay * assumed.imageBytes) / 1e12,
};

const chunksOfDay = load.itemsPerDay / itemsOfChunk;
/** For each chunk its items and its results, each written once and read once. */
const dollarsOfChunk = (2 * (assumed.s3.get + assumed.s3.put)) / 1_000;
export const bucket = {
  requestsOfDay: 4 * chunksOfDay,
  dollarsOfDay: chunksOfDay * dollarsOfChunk,
  dollarsOfMillion: (1e6 / itemsOfChunk) * dollarsOfChunk,
};

/** Gigabytes in Redis of a day's batches, beside their chunks, when all are small. */
export const smallBatchesGigabytes = ((load.itemsPerDay / itemsOfSmallBatch) * measured.redisBytesOfBatch) / 1e9;
