import type { Config } from '../shared/config.ts';
import type { Logger } from '../shared/log.ts';
import { type ModelSpec, modelKey } from './model.ts';
import { createPool, type EvaluatorPool, type PoolState } from './pool.ts';
import { shapeOf, thisMachine } from './shape.ts';

/** Every evaluator of this process: one pool a model, started when it is first asked for. */
export interface Evaluators {
  /** The pool of a model; its evaluators are loading when it is new. */
  for(spec: ModelSpec): EvaluatorPool;
  states(): (PoolState & Pick<ModelSpec, 'model' | 'revision'>)[];
  close(): void;
}

export type EvaluatorConfig = Pick<Config, 'evaluators' | 'evaluatorThreads' | 'imageMaxPixels'>;

export function createEvaluators(config: EvaluatorConfig, log: Logger): Evaluators {
  const pools = new Map<string, { spec: ModelSpec; pool: EvaluatorPool }>();
  return {
    for(spec) {
      const key = modelKey(spec);
      let entry = pools.get(key);
      if (entry === undefined) {
        const machine = thisMachine();
        const asked = { evaluators: config.evaluators, threads: config.evaluatorThreads };
        const shape = shapeOf(machine, spec.memoryBytes, asked);
        log.info({ model: spec.model, revision: spec.revision, ...shape, cpus: machine.cpus }, 'starting evaluators');
        entry = { spec, pool: createPool({ spec, ...shape, maxPixels: config.imageMaxPixels, log }) };
        pools.set(key, entry);
      }
      return entry.pool;
    },
    states: () =>
      [...pools.values()].map(({ spec, pool }) => ({ model: spec.model, revision: spec.revision, ...pool.state() })),
    close() {
      for (const { pool } of pools.values()) pool.close();
    },
  };
}
