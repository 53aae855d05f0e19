import { hash } from 'node:crypto';
import { type ModelSpec, recipeOf } from '../models/model.ts';
import type { Registry } from '../models/registry/registry.ts';
import { isShared, modelsOf, type TrafficRules } from '../models/registry/traffic.ts';
import type { ImageSource } from '../shared/contracts/item.ts';
import type { Arm, CanaryPhase, ComparedBy, TrafficPlan } from '../shared/contracts/traffic.ts';
import { ServiceError } from '../shared/errors.ts';

/** A profile that divides its images among several models. */
export interface Experiment {
  profile: string;
  rules: TrafficRules;
  /** A hash of the rules and the model revisions. A change of either begins a new experiment. */
  id: string;
  /** The models that this process can use, by name. */
  specs: ReadonlyMap<string, ModelSpec>;
  /** The reasons why this process cannot use some models, or null. */
  fault: string | null;
}

/**
 * Reads the rules of a profile and finds its models.
 * @returns undefined when one model gets all images.
 * @throws {ServiceError} `model.unknown`
 */
export async function readExperiment(registry: Registry, profile: string): Promise<Experiment | undefined> {
  const rules = registry.rulesOf(profile);
  if (!isShared(rules)) return undefined;
  const specs = new Map<string, ModelSpec>();
  const errors: string[] = [];
  for (const model of modelsOf(rules)) {
    try {
      specs.set(model, (await registry.resolve(model)).spec);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      errors.push(error.message);
    }
  }
  const identity = JSON.stringify([rules, [...specs.values()].map(recipeOf)]);
  const id = hash('sha256', identity).slice(0, 16);
  return { profile, rules, id, specs, fault: errors.length > 0 ? errors.join('; ') : null };
}

/**
 * Returns how models are compared: by ranks if their families differ, because their scores then have different scales.
 */
export function comparedByOf({ specs }: Pick<Experiment, 'specs'>, models: readonly string[]): ComparedBy {
  const families = new Set(models.flatMap((model) => specs.get(model)?.family ?? []));
  return families.size > 1 ? 'ranks' : 'scores';
}

/** Returns the main model, or the promoted canary that replaces it. */
export function mainModel({ rules, specs }: Experiment, phase: CanaryPhase | undefined): string {
  const promoted = phase === 'promoted' ? rules.canary?.model : undefined;
  return promoted !== undefined && specs.has(promoted) ? promoted : rules.model;
}

/**
 * Returns the plan: how images are divided among models now. Unusable models, and a canary outside its trial or in an
 * unknown phase, have no share; the main model gets it.
 */
export function planOf(experiment: Experiment, phase: CanaryPhase | undefined): TrafficPlan {
  const { rules, specs, profile, id } = experiment;
  const main = mainModel(experiment, phase);
  const arms: Arm[] = [];
  const add = (role: Arm['role'], model: string, share: number) => {
    const spec = specs.get(model);
    if (spec !== undefined && model !== main) arms.push({ role, share, ...recipeOf(spec) });
  };
  // The canary is last, so that the end of its trial does not change the models of other images.
  for (const [model, share] of Object.entries(rules.split)) add('split', model, share);
  if (rules.canary !== undefined && phase === 'trial') add('canary', rules.canary.model, rules.canary.share);
  const others = arms.reduce((sum, { share }) => sum + share, 0);
  const spec = specs.get(main);
  if (spec === undefined) throw new ServiceError('model.unavailable', `${main} cannot be used in this process`);
  const shadow = rules.shadow && specs.get(rules.shadow.model);
  const trial = rules.canary && {
    ...rules.canary,
    main,
    comparedBy: comparedByOf(experiment, [main, rules.canary.model]),
  };
  return {
    profile,
    experiment: id,
    arms: [{ role: 'main', share: Number((1 - others).toFixed(6)), ...recipeOf(spec) }, ...arms],
    ...(arms.at(-1)?.role === 'canary' && trial && { trial }),
    ...(rules.shadow &&
      shadow && {
        shadow: { share: rules.shadow.share, comparedBy: shadowComparedBy(experiment), ...recipeOf(shadow) },
      }),
  };
}

export const shadowComparedBy = (experiment: Pick<Experiment, 'rules' | 'specs'>): ComparedBy =>
  comparedByOf(experiment, modelsOf(experiment.rules));

/** Returns the key of an image, which determines its model. Pairs with the same image have the same key. */
export const imageKey = (image: ImageSource | Uint8Array): string | Uint8Array => {
  if (typeof image === 'string' || image instanceof Uint8Array) return image;
  return 'url' in image ? image.url : 'base64' in image ? image.base64 : image.file;
};

/**
 * Returns a number in [0, 1): a hash of profile, purpose and image key. An image keeps its model while that model's
 * share grows.
 */
export function positionOf(profile: string, purpose: 'arm' | 'compare' | 'shadow', key: string | Uint8Array): number {
  const digest = hash('sha256', key, 'hex').slice(0, 32);
  return Number.parseInt(hash('sha256', `${profile}\n${purpose}\n${digest}`, 'hex').slice(0, 12), 16) / 2 ** 48;
}

/**
 * Returns the model that scores an image. Each model except the main one gets a range of `positionOf` as large as its
 * share, from 0 upwards.
 */
export function armFor({ profile, arms }: TrafficPlan, key: string | Uint8Array): Arm {
  const [main, ...others] = arms;
  if (main === undefined) throw new Error('A plan without a main model');
  let left = others.length === 0 ? 1 : positionOf(profile, 'arm', key);
  for (const arm of others) {
    left -= arm.share;
    if (left < 0) return arm;
  }
  return main;
}
