import { createImageLoader } from '../images/loader.ts';
import { chooseDevice } from '../models/device/device.ts';
import type { ModelSpec } from '../models/model.ts';
import { createEncoders, type Encoders } from '../models/pool/encoders.ts';
import { thisMachine } from '../models/pool/shape.ts';
import { loadRegistry, type Registry } from '../models/registry/registry.ts';
import { type Config, ConfigError } from '../shared/config.ts';
import type { Logger } from '../shared/log.ts';
import type { Metrics } from '../shared/metrics.ts';
import { createEmbeddingCache } from './embedding-cache.ts';
import { createEvaluation, type Evaluation } from './evaluation.ts';

/** All a process needs to score pairs: the same for an API, a worker, both together, or a command line. */
export interface EvaluationEngine {
  registry: Registry;
  encoders: Encoders;
  evaluation: Evaluation;
  /** Begins to load a model, if it is not loaded. */
  warm(spec: ModelSpec): void;
  /** From now on changes of the registry are seen: encoders follow them, then `onChange` is told. */
  watchRegistry(onChange?: () => void): void;
  /** Resolves when the models to load at the start are loaded, rejects when the first of them cannot be. */
  whenReady(): Promise<void>;
  /** Ends the encoders and the connections to image hosts. */
  close(): Promise<void>;
}

/** Items between download and embedding, where `FETCH_CONCURRENCY` does not say. */
export const concurrencyOnCpu = 64;
/** Two full runs of a GPU and what is decoded, downloaded and answered beside them. */
const concurrencyOnCuda = 256;

/**
 * Starts loading the models that are wanted at once (`PRELOAD`, else the default) and returns without waiting for them.
 * @throws {ConfigError} what is wrong with the device, the registry or those models.
 */
export async function createEvaluationEngine(
  config: Config,
  log: Logger,
  metrics?: Metrics,
): Promise<EvaluationEngine> {
  const device = await chooseDevice(config).catch(asConfigError);
  const { provider, count, reason } = device;
  log.info({ provider, count, reason }, 'device');
  const registry = await loadRegistry(config, { ...config, device }).catch(asConfigError);
  const encoders = createEncoders(config, log, device.count, thisMachine(), metrics);
  const preloaded = await Promise.all(
    (config.preload ?? [registry.defaultName]).map((name) => registry.resolve(name).catch(asConfigError)),
  );
  const pools = preloaded.map(({ spec }) => encoders.for(spec));
  const images = createImageLoader(
    config,
    (code) => metrics?.count('vls_fetch_retries_total', { code }),
    (host, address) => log.warn({ host: host.slice(0, 253), address }, 'address of an image host refused'),
  );
  const concurrency = config.fetchConcurrency ?? (provider === 'cuda' ? concurrencyOnCuda : concurrencyOnCpu);
  const embeddings = createEmbeddingCache(encoders, config.cacheBytes, metrics);
  return {
    registry,
    encoders,
    warm: (spec) => void encoders.for(spec),
    evaluation: createEvaluation({ images, embeddings, concurrency, metrics }),
    watchRegistry(onChange) {
      registry.watch(log, () => {
        encoders.follow(registry).catch((error: Error) => {
          log.error({ reason: error.message }, 'encoders do not follow the change of the registry');
        });
        onChange?.();
      });
    },
    async whenReady() {
      await Promise.all(pools.map((pool) => pool.whenReady()));
    },
    async close() {
      registry.close();
      encoders.close();
      await images.close();
    },
  };
}

/** What is wrong with the models at the start is wrong with what was configured. */
function asConfigError(error: Error): never {
  throw new ConfigError(error.message);
}
