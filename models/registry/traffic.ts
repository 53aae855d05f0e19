import { z } from 'zod';
import { canaryGuard, canaryWindow } from '../../shared/contracts/traffic.ts';

const share = z.number().min(0).max(1);
const name = z.string().min(1);

/** A model on trial: its share, when it is judged, and what it must keep to. */
const canary = z.strictObject({
  model: name,
  share: z.number().gt(0).max(0.5).default(0.05),
  /** Share of its images that the main model scores too. */
  compare: share.default(0.5),
  window: canaryWindow.prefault({}),
  /** Windows passed in a row after which it takes the main model's place. */
  promoteAfter: z.int().min(1).max(1_000).default(3),
  guard: canaryGuard.prefault({}),
});

const rules = z
  .strictObject({
    /** The model that answers for what the others do not, and where one model is needed. */
    model: name,
    /** Other models that answer for a share of the images. */
    split: z.record(name, z.number().gt(0).lt(1)).default({}),
    canary: canary.optional(),
    shadow: z.strictObject({ model: name, share: z.number().gt(0).max(1).default(0.01) }).optional(),
  })
  .superRefine(({ model, split, canary: tried, shadow }, context) => {
    const fault = (message: string, ...path: string[]) => context.addIssue({ code: 'custom', message, path });
    const taken = [model, ...Object.keys(split)];
    if (model in split) fault('the main model has what the others leave', 'split', model);
    if (tried && taken.includes(tried.model)) fault('this model answers already', 'canary', 'model');
    if (shadow && [...taken, tried?.model].includes(shadow.model))
      fault('this model answers already', 'shadow', 'model');
    const given = Object.values(split).reduce((sum, part) => sum + part, 0) + (tried?.share ?? 0);
    if (given >= 1) fault(`the others have ${given} of the traffic, and nothing is left for ${model}`, 'split');
  });

/** How the traffic of a profile is shared among models. */
export type TrafficRules = z.output<typeof rules>;

/** A profile as a registry file has it: the name of a model, or rules. */
export const profileEntry = z.preprocess((entry) => (typeof entry === 'string' ? { model: entry } : entry), rules);

/** Every model that the rules name, the main one first. */
export const modelsOf = ({ model, split, canary: tried, shadow }: TrafficRules): string[] => [
  model,
  ...Object.keys(split),
  ...[tried?.model, shadow?.model].filter((one) => one !== undefined),
];

/** Whether there is more to a profile than the name of its model. */
export const isShared = (profile: TrafficRules): boolean => modelsOf(profile).length > 1;
