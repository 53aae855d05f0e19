import { z } from 'zod';
import { canaryGuard, canaryWindow } from '../../shared/contracts/traffic.ts';

const share = z.number().min(0).max(1);
const name = z.string().min(1);

/** A canary is a new model on trial, judged at the end of each window. */
const canary = z.strictObject({
  model: name,
  share: z.number().gt(0).max(0.5).default(0.05),
  /** The share of the canary's images that the main model also scores, for comparison. */
  compare: share.default(0.5),
  window: canaryWindow.prefault({}),
  /** The number of consecutive windows that the canary must pass before it becomes the main model. */
  promoteAfter: z.int().min(1).max(1_000).default(3),
  guard: canaryGuard.prefault({}),
});

const rules = z
  .strictObject({
    /** The main model. It gets the remaining images, and all requests that a single model must answer. */
    model: name,
    /** The other models, each with its share of the images. */
    split: z.record(name, z.number().gt(0).lt(1)).default({}),
    canary: canary.optional(),
    shadow: z.strictObject({ model: name, share: z.number().gt(0).max(1).default(0.01) }).optional(),
  })
  .superRefine(({ model, split, canary: tried, shadow }, context) => {
    const fault = (message: string, ...path: string[]) => context.addIssue({ code: 'custom', message, path });
    const taken = [model, ...Object.keys(split)];
    if (model in split) fault('the main model gets the remaining share and must not be listed here', 'split', model);
    if (tried && taken.includes(tried.model)) fault('this model already has a role in this profile', 'canary', 'model');
    if (shadow && [...taken, tried?.model].includes(shadow.model))
      fault('this model already has a role in this profile', 'shadow', 'model');
    const given = Object.values(split).reduce((sum, part) => sum + part, 0) + (tried?.share ?? 0);
    if (given >= 1) fault(`the shares add up to ${given} and leave nothing for ${model}`, 'split');
  });

export type TrafficRules = z.output<typeof rules>;

/** A profile in a registry file: the name of a model, or traffic rules. */
export const profileEntry = z.preprocess((entry) => (typeof entry === 'string' ? { model: entry } : entry), rules);

/** Lists all models that the rules name, the main one first. */
export const modelsOf = ({ model, split, canary: tried, shadow }: TrafficRules): string[] => [
  model,
  ...Object.keys(split),
  ...[tried?.model, shadow?.model].filter((one) => one !== undefined),
];

export const isShared = (profile: TrafficRules): boolean => modelsOf(profile).length > 1;
