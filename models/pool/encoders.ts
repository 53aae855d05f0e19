import type { Config } from '../../shared/config.ts';
import { ServiceError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { Metrics } from '../../shared/metrics.ts';
import type { Calibration, TowerRun } from '../encoder/protocol.ts';
import { type ModelSpec, modelKey, recipeOf } from '../model.ts';
import type { Registry } from '../registry/registry.ts';
import { createCalibrationStore } from './calibration-store.ts';
import { createPool, type EncoderPool, type PoolState } from './pool.ts';
import { readPool } from './readings.ts';
import { type Machine, type PoolShape, shapeOf, thisMachine } from './shape.ts';

export interface LoadedModel extends PoolState, Pick<ModelSpec, 'model' | 'revision' | 'precision'> {
  threads: number;
  /** Images per second of the vision model in one encoder; null before the measurement. */
  imagesPerSecond: number | null;
}

/** The encoder pools of this process, one per model. A pool starts when its model is first used. */
export interface Encoders {
  /**
   * Returns or creates the pool of a model. When memory is short, idle models are unloaded, the least recently used
   * first.
   * @throws {ServiceError} `model.unavailable` when the models in use leave too little memory.
   */
  for(spec: ModelSpec): EncoderPool;
  states(): LoadedModel[];
  /**
   * Applies a registry change. New encoders use the current files. A removed model is unloaded after a minute without
   * use.
   */
  follow(registry: Pick<Registry, 'list' | 'resolvePinned'>): Promise<void>;
  close(): void;
}

export type EncoderConfig = Pick<Config, 'encoders' | 'imageMaxPixels' | 'microBatch' | 'modelMemoryBytes' | 'dataDir'>;

interface Loaded {
  spec: ModelSpec;
  pool: EncoderPool;
  shape: PoolShape;
  calibration: Calibration | undefined;
  usedAt: number;
  /** True after removal from the registry. Batches may still need the model. */
  isDropped: boolean;
}

/** The share of the machine's memory for models, unless `MODEL_MEMORY_MB` is set. */
const memoryShare = 0.8;
/** The unused time in ms after which a model that was removed from the registry is unloaded. */
const unusedMs = 60_000;

/**
 * Images per run on CUDA, unless `MICRO_BATCH` is set. CUDA gets no calibration, because the memory of each tried size
 * is never freed. An encoder halves the number when its device memory does not suffice.
 */
const cudaMicroBatch = 64;

export function createEncoders(
  config: EncoderConfig,
  log: Logger,
  devices = 1,
  machine: Machine = thisMachine(),
  metrics?: Metrics,
): Encoders {
  const loaded = new Map<string, Loaded>();
  const calibrations = createCalibrationStore(config.dataDir, log);
  const budget = config.modelMemoryBytes ?? memoryShare * machine.memoryBytes;

  let unloading: NodeJS.Timeout | undefined;

  const bytesOf = ({ spec, shape }: Loaded) => spec.memoryBytes * shape.encoders;
  const isAtWork = ({ pool }: Loaded) => pool.state().inFlight + pool.state().waiting > 0;
  const taken = () => [...loaded.values()].reduce((sum, one) => sum + bytesOf(one), 0);

  function unload(key: string, one: Loaded, reason: string): void {
    loaded.delete(key);
    one.pool.close();
    log.info({ model: one.spec.model, revision: one.spec.revision, reason }, 'model unloaded');
  }

  function makeRoom(bytes: number): void {
    const idle = [...loaded].filter(([, one]) => !isAtWork(one)).sort(([, a], [, b]) => a.usedAt - b.usedAt);
    for (const [key, one] of idle) {
      if (taken() + bytes <= budget) return;
      unload(key, one, 'its memory is needed for another model');
    }
  }

  /**
   * Unloads unused models that were removed from the registry, and repeats until none is left. The only ready model
   * stays, because without one the process is not ready.
   */
  function unloadDropped(): void {
    clearTimeout(unloading);
    const dropped = [...loaded].filter(([, { isDropped }]) => isDropped);
    for (const [key, one] of dropped) {
      const isUsed = isAtWork(one) || performance.now() - one.usedAt < unusedMs;
      const isOnlyOne = ![...loaded.values()].some((other) => other !== one && other.pool.state().ready > 0);
      if (!isUsed && !isOnlyOne) unload(key, one, 'model removed from the registry');
    }
    if (dropped.length > 0) unloading = setTimeout(unloadDropped, unusedMs / 6).unref();
  }

  function load(spec: ModelSpec): Loaded {
    const wanted = { encoders: config.encoders };
    const on = { provider: spec.provider, devices };
    const whole = shapeOf({ ...machine, memoryBytes: budget }, spec, wanted, on);
    makeRoom(spec.memoryBytes * whole.encoders);
    const free = budget - taken();
    // The first model is always loaded; otherwise the process would have none.
    if (loaded.size > 0 && free < spec.memoryBytes) {
      const others = [...loaded.values()].map((one) => one.spec.model).join(', ');
      throw new ServiceError(
        'model.unavailable',
        `Not enough memory to load ${spec.model} (${megabytes(spec.memoryBytes)}) while ${others} is in use; the limit for models (MODEL_MEMORY_MB) is ${megabytes(budget)}`,
        { retryAfter: 10 },
      );
    }
    const shape = loaded.size === 0 ? whole : shapeOf({ ...machine, memoryBytes: free }, spec, wanted, on);
    const calibration = calibrations.get(spec, shape.threads);
    const isCuda = spec.provider === 'cuda';
    const images = config.microBatch ?? (isCuda ? cudaMicroBatch : (calibration?.images ?? spec.microBatch.images));
    const texts = isCuda ? Math.max(cudaMicroBatch, spec.microBatch.texts) : spec.microBatch.texts;
    const { model, revision, choice } = spec;
    for (const input of ['image', 'text']) {
      metrics?.begin('vls_embeddings_total', { model, input });
      metrics?.begin('vls_micro_batch_size', { model, input });
      metrics?.begin('vls_run_duration_seconds', { model, input });
    }
    log.info({ model, revision, choice, ...shape, cpus: machine.cpus, microBatch: images }, 'starting encoders');
    const one: Loaded = {
      spec,
      shape,
      calibration,
      usedAt: 0,
      isDropped: false,
      pool: createPool({
        spec: { ...spec, microBatch: { images, texts } },
        ...shape,
        devices,
        maxPixels: config.imageMaxPixels,
        log,
        onRun: metrics && ((run) => countRun(metrics, spec.model, run)),
        onCalibrated:
          config.microBatch === undefined && calibration === undefined && !isCuda
            ? (found) => {
                one.calibration = found;
                calibrations.set(spec, shape.threads, found);
              }
            : undefined,
      }),
    };
    return one;
  }

  metrics?.onScrape({
    read: async () =>
      (await Promise.all([...loaded.values()].map(({ spec, pool }) => readPool(spec.model, pool)))).flat(),
  });

  return {
    for(spec) {
      const key = modelKey(spec);
      let one = loaded.get(key);
      if (one === undefined) {
        one = load(spec);
        loaded.set(key, one);
      }
      one.usedAt = performance.now();
      return one.pool;
    },
    states: () =>
      [...loaded.values()].map(({ spec, pool, shape, calibration }) => ({
        model: spec.model,
        revision: spec.revision,
        precision: spec.precision,
        threads: shape.threads,
        imagesPerSecond: calibration?.imagesPerSecond[calibration.images] ?? null,
        ...pool.state(),
      })),
    async follow(registry) {
      const listed = new Set((await registry.list()).map(({ model, revision }) => `${model}@${revision}`));
      for (const one of loaded.values()) {
        one.isDropped = !listed.has(`${one.spec.model}@${one.spec.revision}`);
        const current = await registry.resolvePinned(recipeOf(one.spec)).catch(() => undefined);
        if (current !== undefined && !('difference' in current)) one.pool.refresh(current);
      }
      unloadDropped();
    },
    close() {
      clearTimeout(unloading);
      for (const { pool } of loaded.values()) pool.close();
    },
  };
}

function countRun(metrics: Metrics, model: string, { input, inputs, milliseconds }: TowerRun): void {
  const labels = { model, input };
  metrics.count('vls_embeddings_total', labels, inputs);
  metrics.observe('vls_micro_batch_size', labels, inputs);
  metrics.observe('vls_run_duration_seconds', labels, milliseconds / 1000);
}

const megabytes = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MiB`;
