import { createImageLoader } from '../images/loader.ts';
import { createEvaluators, type Evaluators } from '../models/evaluators.ts';
import { loadRegistry, type Registry } from '../models/registry.ts';
import { type Config, ConfigError } from '../shared/config.ts';
import type { Logger } from '../shared/log.ts';
import { createEmbedder } from './embedder.ts';
import { createEvaluation, type Evaluation } from './evaluation.ts';

/** All a process needs to score pairs: the same for an API, a worker, both together, or a command line. */
export interface Scoring {
  registry: Registry;
  evaluators: Evaluators;
  evaluation: Evaluation;
  /** Ends the evaluators and the connections to image hosts. */
  close(): Promise<void>;
}

/** Starts loading the default model at once and returns without waiting for it. */
export async function createScoring(config: Config, log: Logger): Promise<Scoring> {
  const registry = await loadRegistry(config).catch(asConfigError);
  const evaluators = createEvaluators(config, log);
  const { spec } = await registry.resolve().catch(asConfigError);
  evaluators.for(spec);
  const images = createImageLoader(config);
  const embedder = createEmbedder(evaluators, config.cacheBytes);
  return {
    registry,
    evaluators,
    evaluation: createEvaluation({ images, embedder, concurrency: config.fetchConcurrency }),
    async close() {
      evaluators.close();
      await images.close();
    },
  };
}

/** What is wrong with the models at the start is wrong with what was configured. */
function asConfigError(error: Error): never {
  throw new ConfigError(error.message);
}
