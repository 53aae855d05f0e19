import { z } from 'zod';

/** The properties of a model that must be equal for two processes' scores to be comparable. */
const recipe = {
  model: z.string(),
  revision: z.string(),
  precision: z.string(),
  preprocess: z.string(),
  textCleaning: z.string(),
};

/**
 * `main`: the model of the profile; `split`: a model that permanently gets a share of the images; `canary`: a model on
 * trial.
 */
export const armRole = z.enum(['main', 'split', 'canary']).meta({ id: 'ArmRole' });
export type ArmRole = z.output<typeof armRole>;

/** A model that scores images of a profile, with its share of the images. */
export const arm = z.object({ role: armRole, share: z.number().min(0).max(1), ...recipe });
export type Arm = z.output<typeof arm>;

const points = z.number().gt(0).max(100);

/**
 * The length of a window, at whose end a canary is judged: this number of items, or this time if there are enough items
 * for a judgement.
 */
export const canaryWindow = z.strictObject({
  items: z.int().min(20).max(1_000_000).default(500),
  seconds: z.number().min(1).max(604_800).default(3_600),
});

/** Limits that a canary must not exceed in any window (period at whose end it is judged). */
export const canaryGuard = z.strictObject({
  /** The maximum excess of the canary's share of failed items over that of the main model. */
  errorShare: z.number().min(0).max(1).default(0.02),
  /**
   * The maximum ratio of the canary's time in both encoders to the main model's time. A window above it fails only if
   * the previous one was above it, too.
   */
  latencyRatio: z.number().gt(0).default(2),
  /** The maximum mean absolute difference of the scores, on a scale of 0 to 100. */
  scoreDrift: points.default(1),
  /** The minimum Spearman correlation of the two models' scores, over items that both scored. */
  rankCorrelation: z.number().min(-1).max(1).default(0.9),
});

/**
 * `scores`: both models must give the same items similar scores. `ranks`: only the order must be similar, because
 * models of different families have different scales.
 */
export const comparedBy = z.enum(['scores', 'ranks']).meta({
  id: 'ComparedBy',
  description:
    '`scores`: the two models are compared by their scores and by their order of the items. `ranks`: only by their order of the items, because scores of different families have different scales.',
});
export type ComparedBy = z.output<typeof comparedBy>;

/** A canary on trial, with everything that a process needs to judge it. */
export const trial = z.object({
  model: z.string(),
  /** The main model, with which the canary is compared. */
  main: z.string(),
  /** The share of the canary's images that the main model scores too. */
  compare: z.number().min(0).max(1),
  /** Absent in plans of older releases, which always compared scores. */
  comparedBy: comparedBy.optional(),
  window: canaryWindow,
  guard: canaryGuard,
  /** The consecutive windows (judged periods) that the canary must pass before it replaces the main model. */
  promoteAfter: z.int().min(1),
});
export type Trial = z.output<typeof trial>;

/**
 * A traffic plan: how a profile's images are divided among models at one time. A batch stores the plan of its post, so
 * processes of other releases may read it.
 */
export const trafficPlan = z.object({
  profile: z.string(),
  /**
   * The id of the experiment. Every change of the rules or of a model's revision begins a new one, so that counts are
   * never mixed.
   */
  experiment: z.string(),
  /** The models that answer, the main model first. Their shares add up to 1. */
  arms: z.array(arm).min(1),
  trial: trial.optional(),
  /** A model that also scores a share of the images, for comparison only. */
  shadow: z.object({ share: z.number().min(0).max(1), comparedBy: comparedBy.optional(), ...recipe }).optional(),
});
export type TrafficPlan = z.output<typeof trafficPlan>;

export const canaryPhase = z.enum(['trial', 'promoted', 'rolled_back']).meta({ id: 'CanaryPhase' });
export type CanaryPhase = z.output<typeof canaryPhase>;

/** The verdicts on a canary at the end of a window (a period of its trial). */
export const windowVerdict = z.enum(['passed', 'failed']);

const count = z.int().min(0);
const share = z.number().min(0).max(1);

/** The measurements of a canary in one window (a judged period). Null when there are too few items. */
export const windowFigures = z.object({
  items: count.meta({ description: 'Items that the canary answered; invalid items do not count.' }),
  errorShare: share.nullable().meta({ description: 'The share of the items of the canary that failed.' }),
  mainErrorShare: share.nullable(),
  latencyRatio: z.number().nullable().meta({
    description:
      'The inference time of the canary divided by that of the main model: the median over the items that both models scored.',
  }),
  compared: count.meta({ description: 'Items that both models scored.' }),
  scoreDrift: z.number().nullable().meta({
    description:
      'Mean absolute difference of the two scores, on a scale of 0 to 100; null for models of different families.',
  }),
  rankCorrelation: z
    .number()
    .nullable()
    .meta({ description: "Spearman's correlation over the items that both models scored." }),
});
export type WindowFigures = z.output<typeof windowFigures>;

export const judgedWindow = z.object({
  number: count,
  verdict: windowVerdict,
  reasons: z.array(z.string()).meta({ description: 'The reasons of a failure; empty if the window passed.' }),
  endedAt: z.iso.datetime(),
  figures: windowFigures,
});
export type JudgedWindow = z.output<typeof judgedWindow>;

const comparedPair = z.object({
  image: z.string().nullable().meta({ description: 'The address of the image; null for an inline image.' }),
  text: z.string().meta({ description: 'The first 300 characters of the text.' }),
  reference: z.number().meta({ description: 'The score of the reference model.' }),
  candidate: z.number(),
});
export type ComparedPair = z.output<typeof comparedPair>;

/** The comparison of two models on the same items. */
export const comparison = z
  .object({
    kind: z.enum(['canary', 'shadow']),
    candidate: z.string(),
    reference: z.string(),
    comparedBy,
    pairs: count,
    failed: count.meta({ description: 'Items that the reference model scored and the candidate model could not.' }),
    meanDifference: z.number().nullable().meta({
      description:
        'Mean difference of the scores, candidate minus reference, on a scale of 0 to 100. This field and the two absolute differences are null when the models are compared by ranks.',
    }),
    meanAbsoluteDifference: z.number().nullable(),
    maxAbsoluteDifference: z.number().nullable(),
    rankCorrelation: z.number().nullable().meta({ description: "Spearman's correlation over the latest 2,000 items." }),
    worst: z.array(comparedPair).meta({
      description: 'The 50 items with the largest differences, the largest first. Empty with `comparedBy: ranks`.',
    }),
  })
  .meta({ id: 'Comparison' });
export type Comparison = z.output<typeof comparison>;

export const armReport = z
  .object({
    role: armRole,
    model: z.string(),
    revision: z.string(),
    share: share.meta({ description: 'The share of the images that the model gets by its configuration.' }),
    shareNow: share.meta({
      description:
        'The current share, which differs from the configured one when the canary was promoted or rolled back.',
    }),
    items: count,
    failed: count,
    errorShare: share.nullable(),
    meanScore: z.number().nullable(),
    meanScoreMargin: z
      .number()
      .nullable()
      .meta({ description: 'Half of the width of the 95 % confidence interval of the mean score.' }),
    meanInferenceMs: z
      .number()
      .nullable()
      .meta({ description: 'The mean time of an item in the vision and the text model.' }),
  })
  .meta({ id: 'ArmReport' });
export type ArmReport = z.output<typeof armReport>;

export const trafficReport = z
  .object({
    profile: z.string(),
    experiment: z.string(),
    arms: z.array(armReport),
    canary: z
      .object({
        model: z.string(),
        phase: canaryPhase,
        reason: z.string().nullable().meta({ description: 'The reason of the promotion or the rollback.' }),
        since: z.iso.datetime().nullable(),
        promoteAfter: count,
        passed: count.meta({ description: 'The number of consecutive windows that the canary has passed.' }),
        window: z.object({ number: count, items: count, of: count }).nullable(),
        windows: z.array(judgedWindow).meta({ description: 'The latest first.' }),
      })
      .nullable(),
    comparisons: z.array(comparison),
    fault: z
      .string()
      .nullable()
      .meta({ description: 'The error that keeps a model from getting a share of the images.' }),
  })
  .meta({ id: 'TrafficReport' });
export type TrafficReport = z.output<typeof trafficReport>;

export const trafficList = z.object({ profiles: z.array(trafficReport) }).meta({ id: 'TrafficList' });
export type TrafficList = z.output<typeof trafficList>;

export const trafficPath = z.object({
  profile: z.string().meta({ description: 'A profile that divides its traffic among models.' }),
});

export const canaryAction = z.enum(['promote', 'rollback', 'restart']);
export type CanaryAction = z.output<typeof canaryAction>;
