import { createImageLoader } from '../images/loader.ts';
import { chooseDevice, type Device } from '../models/device/device.ts';
import type { ModelSpec } from '../models/model.ts';
import { createEncoders, type Encoders } from '../models/pool/encoders.ts';
import { thisMachine } from '../models/pool/shape.ts';
import type { RegistryConfig } from '../models/registry/entries.ts';
import { loadRegistry, type Registry } from '../models/registry/registry.ts';
import { type Config, ConfigError } from '../shared/config.ts';
import type { Logger } from '../shared/log.ts';
import type { Metrics } from '../shared/metrics.ts';
import { createEmbeddingCache } from './embedding-cache.ts';
import { createEvaluation, type Evaluation } from './evaluation.ts';

/** Everything that a process needs to score pairs: the API, a worker, or the command line. */
export interface EvaluationEngine {
  device: Device;
  registry: Registry;
  encoders: Encoders;
  evaluation: Evaluation;
  /** Starts to load a model that is not loaded. */
  warm(spec: ModelSpec): void;
  /** Updates the encoders after each change of the model registry, then calls `onChange`. */
  watchRegistry(onChange?: () => void): void;
  /** Rejects when a preloaded model cannot be loaded. */
  whenReady(): Promise<void>;
  close(): Promise<void>;
}

/** The maximum number of batch items on a CPU that are being downloaded or embedded. */
export const concurrencyOnCpu = 64;
/**
 * The same for a GPU. It suffices for two encoder runs and for items that are being downloaded, decoded or answered.
 */
const concurrencyOnCuda = 256;

/**
 * Creates the engine, which begins to load models in the background.
 * @param profiles the profiles or models to load at startup. Default: the default model.
 * @throws {ConfigError} for errors of the device, of the registry or of those models.
 */
export async function createEvaluationEngine(
  config: Config & Pick<RegistryConfig, 'modelSource'>,
  log: Logger,
  metrics?: Metrics,
  profiles?: readonly string[],
): Promise<EvaluationEngine> {
  const device = await chooseDevice(config).catch(asConfigError);
  const { provider, count, reason } = device;
  log.info({ provider, count, reason }, 'device');
  if (device.faults !== undefined) log.debug({ faults: device.faults }, 'accelerators that do not work');
  const registry = await loadRegistry(config, { ...config, device }).catch(asConfigError);
  const encoders = createEncoders(config, log, device.count, thisMachine(), metrics);
  const preloaded = await Promise.all(
    (profiles ?? [registry.defaultName]).map((name) => registry.resolve(name).catch(asConfigError)),
  );
  const pools = preloaded.map(({ spec }) => encoders.for(spec));
  const images = createImageLoader(
    config,
    (code) => metrics?.count('vls_fetch_retries_total', { code }),
    (host, address) => log.warn({ host: host.slice(0, 253), address }, 'refused the address of an image host'),
  );
  const concurrency = provider === 'cuda' ? concurrencyOnCuda : concurrencyOnCpu;
  const embeddings = createEmbeddingCache(encoders, config.cacheBytes, metrics);
  return {
    device,
    registry,
    encoders,
    warm: (spec) => void encoders.for(spec),
    evaluation: createEvaluation({ images, embeddings, concurrency, metrics }),
    watchRegistry(onChange) {
      registry.watch(log, () => {
        encoders.follow(registry).catch((error: Error) => {
          log.error({ reason: error.message }, 'encoders were not updated after a change of the registry');
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

function asConfigError(error: Error): never {
  throw new ConfigError(error.message);
}
