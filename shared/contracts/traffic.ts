import { z } from 'zod';

/** The properties of a model that must be equal in two processes for their scores to be comparable. */
const recipe = {
  model: z.string(),
  revision: z.string(),
  precision: z.string(),
  preprocess: z.string(),
  textCleaning: z.string(),
};

/**
 * The role of a model. `main`: the model of the profile; `split`: an additional model that permanently gets a share of
 * the images; `canary`: a model on trial.
 */
export const armRole = z.enum(['main', 'split', 'canary']).meta({ id: 'ArmRole' });
export type ArmRole = z.output<typeof armRole>;

/** One of the models that score the images of a profile, with its share of the images. */
export const arm = z.object({ role: armRole, share: z.number().min(0).max(1), ...recipe });
export type Arm = z.output<typeof arm>;

const points = z.number().gt(0).max(100);

/**
 * The length of a window; a canary is judged at the end of each window. A window ends after this number of items. If
 * this time has passed and the window has enough items for a judgement, it ends earlier.
 */
export const canaryWindow = z.strictObject({
  items: z.int().min(20).max(1_000_000).default(500),
  seconds: z.number().min(1).max(604_800).default(3_600),
});

/** The limits that a canary must not exceed in any window (period at whose end it is judged). */
export const canaryGuard = z.strictObject({
  /** The maximum amount by which the share of failed items of the canary may exceed that of the main model. */
  errorShare: z.number().min(0).max(1).default(0.02),
  /**
   * The maximum ratio between the time that the canary takes in both towers and the time that the main model takes. A
   * window above this ratio fails only if the previous window was above it too.
   */
  latencyRatio: z.number().gt(0).default(2),
  /** The maximum mean absolute difference of the scores, on a scale of 0 to 100. */
  scoreDrift: points.default(1),
  /** The minimum Spearman correlation of the two models' scores, over the items that both models scored. */
  rankCorrelation: z.number().min(-1).max(1).default(0.9),
});

/**
 * How two models are compared. `scores`: both models must give the same items similar scores. `ranks`: only the order
 * of the items by score must be similar, because models of different families have different scales.
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
  /** The share of the images of the canary that the main model scores too, for comparison. */
  compare: z.number().min(0).max(1),
  /** How the two models are compared. Absent in plans of older releases, which always compared models by scores. */
  comparedBy: comparedBy.optional(),
  window: canaryWindow,
  guard: canaryGuard,
  /**
   * The number of consecutive windows that the canary must pass before it replaces the main model. A window is a period
   * at whose end the canary is judged.
   */
  promoteAfter: z.int().min(1),
});
export type Trial = z.output<typeof trial>;

/**
 * A traffic plan: the models among which the images of a profile are divided, with their shares, at one point in time.
 * A batch stores the plan that was valid when it was posted, so processes of other releases may read it.
 */
export const trafficPlan = z.object({
  profile: z.string(),
  /**
   * The id of the experiment. A new id begins whenever the rules change or a model gets another revision, so that
   * counts of different experiments are never added together.
   */
  experiment: z.string(),
  /** The models that answer, the main model first. Their shares add up to 1. */
  arms: z.array(arm).min(1),
  trial: trial.optional(),
  /**
   * The shadow model: a model that scores a share of the images in addition to the answering model, for comparison
   * only.
   */
  shadow: z.object({ share: z.number().min(0).max(1), comparedBy: comparedBy.optional(), ...recipe }).optional(),
});
export type TrafficPlan = z.output<typeof trafficPlan>;

export const canaryPhase = z.enum(['trial', 'promoted', 'rolled_back']).meta({ id: 'CanaryPhase' });
export type CanaryPhase = z.output<typeof canaryPhase>;

/** The verdicts on a canary at the end of a window, which is a period of its trial. */
export const windowVerdict = z.enum(['passed', 'failed']);

const count = z.int().min(0);
const share = z.number().min(0).max(1);

/**
 * The measurements of one window of a canary (a period at whose end the canary is judged). A measurement is null when
 * the window has too few items for it.
 */
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
    .meta({ description: "Spearman's correlation over the items that both scored." }),
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
    share: share.meta({ description: 'The configured share of the images.' }),
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
    meanInferenceMs: z.number().nullable().meta({ description: 'The mean time of both towers per item.' }),
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
  profile: z.string().meta({ description: 'A profile whose traffic is shared.' }),
});

/** The decisions that an operator can make about a canary. */
export const canaryAction = z.enum(['promote', 'rollback', 'restart']);
export type CanaryAction = z.output<typeof canaryAction>;
