import { z } from 'zod';

/** What must be equal for two scores to be comparable, as it is pinned. */
const recipe = {
  model: z.string(),
  revision: z.string(),
  precision: z.string(),
  preprocess: z.string(),
  textCleaning: z.string(),
};

/** `main`: the model of the profile; `split`: another that shares its traffic for good; `canary`: one on trial. */
export const armRole = z.enum(['main', 'split', 'canary']).meta({ id: 'ArmRole' });
export type ArmRole = z.output<typeof armRole>;

/** One of the models that answer for a profile between them, and its share of the images. */
export const arm = z.object({ role: armRole, share: z.number().min(0).max(1), ...recipe });
export type Arm = z.output<typeof arm>;

const points = z.number().gt(0).max(100);

/** When a window of a canary ends: with so many items of it, or after so many seconds with what there is by then. */
export const canaryWindow = z.strictObject({
  items: z.int().min(20).max(1_000_000).default(500),
  seconds: z.number().min(1).max(604_800).default(3_600),
});

/** What a canary must keep to. */
export const canaryGuard = z.strictObject({
  /** So much larger than the main model's may its share of failed items be. */
  errorShare: z.number().min(0).max(1).default(0.02),
  /** So many times the main model's may the time of its towers be, in one of two windows in a row. */
  latencyRatio: z.number().gt(0).default(2),
  /** Mean absolute difference of the scores, in points of 0 to 100. */
  scoreDrift: points.default(1),
  /** Spearman's, over the items that both have scored. */
  rankCorrelation: z.number().min(-1).max(1).default(0.9),
});

/** A canary on trial: what is needed to judge it, wherever its items are evaluated. */
export const trial = z.object({
  model: z.string(),
  /** The model it is compared with. */
  main: z.string(),
  /** Share of the canary's images that the main model scores too. */
  compare: z.number().min(0).max(1),
  window: canaryWindow,
  guard: canaryGuard,
  /** Windows passed in a row after which it takes the main model's place. */
  promoteAfter: z.int().min(1),
});
export type Trial = z.output<typeof trial>;

/**
 * How the images of a profile are shared among models at one moment. A batch keeps the plan it was posted with, so this
 * is stored, and read by other releases.
 */
export const trafficPlan = z.object({
  profile: z.string(),
  /** Changes with the rules and the revisions of the models: figures of two experiments are never added up. */
  experiment: z.string(),
  /** The main model first; shares add up to 1. */
  arms: z.array(arm).min(1),
  trial: trial.optional(),
  /** A model that scores a share of the images beside the one that answers. */
  shadow: z.object({ share: z.number().min(0).max(1), ...recipe }).optional(),
});
export type TrafficPlan = z.output<typeof trafficPlan>;

export const canaryPhase = z.enum(['trial', 'promoted', 'rolled_back']).meta({ id: 'CanaryPhase' });
export type CanaryPhase = z.output<typeof canaryPhase>;

/** What may be said of a window of a canary. */
export const windowVerdict = z.enum(['passed', 'failed']);

const count = z.int().min(0);
const share = z.number().min(0).max(1);

/** What a window of a canary showed; null where there was too little to tell. */
export const windowFigures = z.object({
  items: count.meta({ description: 'Items the canary has answered; faults of items do not count.' }),
  errorShare: share.nullable().meta({ description: 'Share of its items that failed.' }),
  mainErrorShare: share.nullable(),
  latencyRatio: z.number().nullable().meta({
    description: "Time its towers took over the main model's: the median over the items that both have scored.",
  }),
  compared: count.meta({ description: 'Items that both models have scored.' }),
  scoreDrift: z.number().nullable().meta({ description: 'Mean absolute difference of the two scores, in points.' }),
  rankCorrelation: z.number().nullable().meta({ description: "Spearman's, over the items that both have scored." }),
});
export type WindowFigures = z.output<typeof windowFigures>;

export const judgedWindow = z.object({
  number: count,
  verdict: windowVerdict,
  reasons: z.array(z.string()).meta({ description: 'What failed, in words; empty when it passed.' }),
  endedAt: z.iso.datetime(),
  figures: windowFigures,
});
export type JudgedWindow = z.output<typeof judgedWindow>;

const comparedPair = z.object({
  image: z.string().nullable().meta({ description: 'Its address; null for an inline image.' }),
  text: z.string().meta({ description: 'Its first 300 characters.' }),
  reference: z.number().meta({ description: 'Score of the model that is compared with.' }),
  candidate: z.number(),
});
export type ComparedPair = z.output<typeof comparedPair>;

/** How far two models are apart on the same items. */
export const comparison = z
  .object({
    kind: z.enum(['canary', 'shadow']),
    candidate: z.string(),
    reference: z.string(),
    pairs: count,
    failed: count.meta({ description: 'Items that the candidate could not score and the reference could.' }),
    meanDifference: z.number().nullable().meta({ description: 'Candidate minus reference, in points of the score.' }),
    meanAbsoluteDifference: z.number().nullable(),
    maxAbsoluteDifference: z.number().nullable(),
    rankCorrelation: z.number().nullable().meta({ description: "Spearman's, over the latest 2,000 pairs." }),
    worst: z.array(comparedPair).meta({ description: 'The 50 pairs furthest apart, the furthest first.' }),
  })
  .meta({ id: 'Comparison' });
export type Comparison = z.output<typeof comparison>;

export const armReport = z
  .object({
    role: armRole,
    model: z.string(),
    revision: z.string(),
    share: share.meta({ description: 'Share of the images as configured.' }),
    shareNow: share.meta({ description: 'The same after what became of the canary.' }),
    items: count,
    failed: count,
    errorShare: share.nullable(),
    meanScore: z.number().nullable(),
    /** Half of the 95 % confidence interval of the mean. */
    meanScoreMargin: z
      .number()
      .nullable()
      .meta({ description: 'The mean is known to so many points, 19 times in 20.' }),
    meanInferenceMs: z.number().nullable().meta({ description: 'Time of both towers an item.' }),
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
        reason: z.string().nullable().meta({ description: 'Why it was promoted or rolled back.' }),
        since: z.iso.datetime().nullable(),
        promoteAfter: count,
        passed: count.meta({ description: 'Windows passed in a row.' }),
        window: z.object({ number: count, items: count, of: count }).nullable(),
        windows: z.array(judgedWindow).meta({ description: 'The latest first.' }),
      })
      .nullable(),
    comparisons: z.array(comparison),
    fault: z.string().nullable().meta({ description: 'What keeps a model out of the traffic.' }),
  })
  .meta({ id: 'TrafficReport' });
export type TrafficReport = z.output<typeof trafficReport>;

export const trafficList = z.object({ profiles: z.array(trafficReport) }).meta({ id: 'TrafficList' });
export type TrafficList = z.output<typeof trafficList>;

export const trafficPath = z.object({
  profile: z.string().meta({ description: 'A profile whose traffic is shared.' }),
});

/** What an operator may decide about a canary. */
export const canaryAction = z.enum(['promote', 'rollback', 'restart']);
export type CanaryAction = z.output<typeof canaryAction>;
