import type { ModelSpec, Recipe } from '../models/model.ts';
import type { Registry } from '../models/registry/registry.ts';
import type { Arm, TrafficPlan } from '../shared/contracts/traffic.ts';
import { ServiceError } from '../shared/errors.ts';
import { positionOf } from './plan.ts';

/**
 * A model of a plan that this process has only in another version, or not at all. (A plan divides images among models.)
 */
export interface Difference {
  /** Describes the model that this process has instead. */
  difference: string;
}

/** A model in the registry that this process cannot use. */
interface Unusable extends Difference {
  isUnusable: true;
}

/** The models of a plan, by name. One that this process cannot use is a {@link Difference}. */
export type PlanModels = ReadonlyMap<string, ModelSpec | Difference | Unusable>;

/**
 * Finds the models of a plan in the registry.
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

/** @throws {ServiceError} `model.unavailable` when this process cannot use the model. */
export function usableModel(models: PlanModels, name: string): ModelSpec {
  const model = models.get(name);
  if (model !== undefined && !('difference' in model)) return model;
  throw new ServiceError('model.unavailable', model?.difference ?? `this process does not have ${name}`);
}

/**
 * Returns true when this process has another revision than the plan, for example before a change of the registry
 * reaches it.
 */
export function isUnknown(models: PlanModels, name: string): boolean {
  const model = models.get(name);
  return model !== undefined && 'difference' in model && !('isUnusable' in model);
}

/**
 * Returns the other models that score an image, for comparison with the returned score.
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
