import { hash } from 'node:crypto';
import { type ModelSpec, recipeOf } from '../models/model.ts';
import type { Registry } from '../models/registry/registry.ts';
import { isShared, modelsOf, type TrafficRules } from '../models/registry/traffic.ts';
import type { ImageSource } from '../shared/contracts/item.ts';
import type { Arm, CanaryPhase, TrafficPlan } from '../shared/contracts/traffic.ts';
import { ServiceError } from '../shared/errors.ts';

/** A profile whose traffic is shared, with the models as they are here. */
export interface Experiment {
  profile: string;
  rules: TrafficRules;
  /** Its name: other rules or other revisions make another experiment. */
  id: string;
  /** Models by name; those that cannot be used here are absent. */
  specs: ReadonlyMap<string, ModelSpec>;
  /** What is wrong with those. */
  fault: string | null;
}

/**
 * Reads the rules of a profile and resolves its models.
 * @returns nothing when one model has all of its traffic.
 * @throws {ServiceError} `model.unknown`
 */
export async function readExperiment(registry: Registry, profile: string): Promise<Experiment | undefined> {
  const rules = registry.rulesOf(profile);
  if (!isShared(rules)) return undefined;
  const specs = new Map<string, ModelSpec>();
  const faults: string[] = [];
  for (const model of modelsOf(rules)) {
    try {
      specs.set(model, (await registry.resolve(model)).spec);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      faults.push(error.message);
    }
  }
  const identity = JSON.stringify([rules, [...specs.values()].map(recipeOf)]);
  const id = hash('sha256', identity).slice(0, 16);
  return { profile, rules, id, specs, fault: faults.length > 0 ? faults.join('; ') : null };
}

/** The model in the main one's place: a canary that was promoted. */
export function mainModel({ rules, specs }: Experiment, phase: CanaryPhase | undefined): string {
  const promoted = phase === 'promoted' ? rules.canary?.model : undefined;
  return promoted !== undefined && specs.has(promoted) ? promoted : rules.model;
}

/**
 * Who answers now. A model that cannot be used here leaves its share to the main one, as does a canary that was rolled
 * back, or of which nobody can say what became of it.
 */
export function planOf(experiment: Experiment, phase: CanaryPhase | undefined): TrafficPlan {
  const { rules, specs, profile, id } = experiment;
  const main = mainModel(experiment, phase);
  const arms: Arm[] = [];
  const add = (role: Arm['role'], model: string, share: number) => {
    const spec = specs.get(model);
    if (spec !== undefined && model !== main) arms.push({ role, share, ...recipeOf(spec) });
  };
  // The canary last: whatever becomes of it, the images of the others stay where they are.
  for (const [model, share] of Object.entries(rules.split)) add('split', model, share);
  if (rules.canary !== undefined && phase === 'trial') add('canary', rules.canary.model, rules.canary.share);
  const others = arms.reduce((sum, { share }) => sum + share, 0);
  const spec = specs.get(main);
  if (spec === undefined) throw new ServiceError('model.unavailable', `${main} cannot be used here`);
  const shadow = rules.shadow && specs.get(rules.shadow.model);
  return {
    profile,
    experiment: id,
    arms: [{ role: 'main', share: Number((1 - others).toFixed(6)), ...recipeOf(spec) }, ...arms],
    ...(arms.at(-1)?.role === 'canary' && rules.canary && { trial: { ...rules.canary, main } }),
    ...(rules.shadow && shadow && { shadow: { share: rules.shadow.share, ...recipeOf(shadow) } }),
  };
}

/** What an image is known by: the same image always gets the same model, whatever text it comes with. */
export const imageKey = (image: ImageSource | Uint8Array): string | Uint8Array => {
  if (typeof image === 'string' || image instanceof Uint8Array) return image;
  return 'url' in image ? image.url : 'base64' in image ? image.base64 : image.file;
};

/**
 * Where an image falls in [0, 1). It depends on the profile and not on the experiment, so an image keeps its model while
 * a share grows.
 */
export function placeOf(profile: string, purpose: 'arm' | 'compare' | 'shadow', key: string | Uint8Array): number {
  const digest = hash('sha256', key, 'hex').slice(0, 32);
  return Number.parseInt(hash('sha256', `${profile}\n${purpose}\n${digest}`, 'hex').slice(0, 12), 16) / 2 ** 48;
}

/** The arm that answers for an image: those beside the main one take their shares from 0 upwards, in their order. */
export function armFor({ profile, arms }: TrafficPlan, key: string | Uint8Array): Arm {
  const [main, ...others] = arms;
  if (main === undefined) throw new Error('A plan without a main model');
  let left = others.length === 0 ? 1 : placeOf(profile, 'arm', key);
  for (const arm of others) {
    left -= arm.share;
    if (left < 0) return arm;
  }
  return main;
}
