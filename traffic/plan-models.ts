import type { ModelSpec, Recipe } from '../models/model.ts';
import type { Registry } from '../models/registry/registry.ts';
import type { Arm, TrafficPlan } from '../shared/contracts/traffic.ts';
import { ServiceError } from '../shared/errors.ts';
import { positionOf } from './plan.ts';

/**
 * A description of a model of a plan that this process does not have, or has only in another version. (A plan divides
 * images among models.)
 */
export interface Difference {
  /** A description of the model that this process has instead. */
  difference: string;
}

/** A model that is in the registry but cannot be used by this process. */
interface Unusable extends Difference {
  isUnusable: true;
}

/** The models of a plan, by name. A model that this process cannot use has a {@link Difference} as its value. */
export type PlanModels = ReadonlyMap<string, ModelSpec | Difference | Unusable>;

/**
 * Finds the models of a plan in the registry. (A plan divides images among models.)
 * @param mayLackMain true when the plan can be used without its main model.
 * @throws {ServiceError} when the main model is needed but cannot be used.
 */
export async function resolvePlan(registry: Registry, plan: TrafficPlan, mayLackMain = false): Promise<PlanModels> {
  const models = new Map<string, ModelSpec | Difference | Unusable>();
  for (const recipe of [...plan.arms, ...(plan.shadow === undefined ? [] : [plan.shadow])]) {
    const model = await registry.resolvePinned(recipe).catch((error: unknown): Unusable => {
      if (error instanceof ServiceError && (mayLackMain || recipe !== plan.arms[0]))
        return { difference: error.message, isUnusable: true };
      throw error;
    });
    models.set(recipe.model, model);
  }
  return models;
}

/** Returns the model with this name. @throws {ServiceError} `model.unavailable` when this process cannot use it. */
export function usableModel(models: PlanModels, name: string): ModelSpec {
  const model = models.get(name);
  if (model !== undefined && !('difference' in model)) return model;
  throw new ServiceError('model.unavailable', model?.difference ?? `this process does not have ${name}`);
}

/**
 * Returns true when this process has another revision of the model than the plan requires. This happens, for example,
 * while a change of the registry has not reached the process yet.
 */
export function isUnknown(models: PlanModels, name: string): boolean {
  const model = models.get(name);
  return model !== undefined && 'difference' in model && !('isUnusable' in model);
}

/**
 * Returns the models that also score an image, so that their scores can be compared with the returned score. Models
 * that this process cannot use are left out.
 * @param arm the model whose score is returned.
 * @param key the key of the image, see `imageKey`.
 */
export function comparedWith(
  { profile, arms, trial, shadow }: TrafficPlan,
  arm: Arm,
  key: string | Uint8Array,
  models: PlanModels,
): ModelSpec[] {
  const wanted: (Recipe | undefined)[] = [];
  if (arm.role === 'canary' && positionOf(profile, 'compare', key) < (trial?.compare ?? 0)) wanted.push(arms[0]);
  if (shadow !== undefined && positionOf(profile, 'shadow', key) < shadow.share) wanted.push(shadow);
  return wanted.flatMap((recipe) => {
    const model = recipe && models.get(recipe.model);
    return model === undefined || 'difference' in model ? [] : [model];
  });
}
