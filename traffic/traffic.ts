import type { Line, LineOutcome } from '../evaluation/answer-lines.ts';
import type { Evaluation } from '../evaluation/evaluation.ts';
import type { EvaluationOptions } from '../evaluation/options.ts';
import type { Pair } from '../evaluation/outcome.ts';
import type { TextScores } from '../evaluation/score-texts.ts';
import type { ModelSpec, Recipe } from '../models/model.ts';
import type { Registry } from '../models/registry/registry.ts';
import type { ImageSource } from '../shared/contracts/item.ts';
import { type CanaryAction, canaryPhase, type TrafficPlan, type TrafficReport } from '../shared/contracts/traffic.ts';
import { ServiceError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import type { Metrics } from '../shared/metrics.ts';
import { nearestName } from '../shared/nearest.ts';
import { type Redis, withRedis } from '../shared/redis.ts';
import { createExperiments } from './experiments.ts';
import { createObservations } from './observations.ts';
import type { Experiment } from './plan.ts';
import type { Difference } from './plan-models.ts';
import { reportOf } from './report.ts';
import { type BatchOptions, createSharedEvaluation, type RoutedOutcome } from './shared-evaluation.ts';
import { createTrafficStore } from './store.ts';

export interface ModelRoute {
  /** The requested profile or model, or the default. */
  name: string;
  /** The profile whose queue a batch of this request joins. */
  profile: string;
  /** The profile's main model, for work that a single model must do. */
  spec: ModelSpec;
  /** True when at least one model computes a probability for each pair. */
  pairProbabilities: boolean;
  /** How images are divided among models; absent when one model gets all. */
  plan?: TrafficPlan;
}

/** The models chosen when a batch was posted. They score the whole batch, even if the rules change. */
export interface PinnedTraffic extends Omit<Recipe, 'textCleaning'> {
  textCleaning?: string | undefined;
  traffic?: TrafficPlan | undefined;
}

/**
 * Chooses the model of each image, judges canaries (models on trial), and compares shadow models, whose scores are
 * never returned.
 */
export interface Traffic {
  /** @throws {ServiceError} `model.unknown`, `model.unavailable` */
  route(nameOrNothing?: string): Promise<ModelRoute>;
  /** Scores one image with its model; see {@link Evaluation.scoreTexts}. */
  scoreTexts(
    route: ModelRoute,
    image: ImageSource | Uint8Array,
    texts: readonly string[],
    options?: EvaluationOptions,
  ): Promise<TextScores>;
  /**
   * Scores pairs with the models of their batch; see {@link Evaluation.scorePairs}.
   * @returns a {@link Difference} when this process does not have these models.
   */
  scorePairs(
    pinned: PinnedTraffic,
    pairs: readonly Pair[],
    options?: BatchOptions,
  ): Promise<RoutedOutcome[] | Difference>;
  /**
   * Answers the requests of an OpenAI batch; see {@link Evaluation.answerLines}.
   * @returns a {@link Difference} when this process does not have the batch's model.
   */
  answerLines(
    pinned: PinnedTraffic,
    lines: readonly Line[],
    options?: EvaluationOptions,
  ): Promise<LineOutcome[] | Difference>;
  /** Returns a report for each profile that divides its images. @throws {ServiceError} `queue.unavailable` */
  reports(): Promise<TrafficReport[]>;
  /** @throws {ServiceError} `traffic.not_shared`, `queue.unavailable` */
  report(profile: string): Promise<TrafficReport>;
  /**
   * Promotes a canary, rolls it back or restarts its trial.
   * @throws {ServiceError} `traffic.not_shared`, `traffic.no_canary`, `queue.unavailable`
   */
  decide(profile: string, action: CanaryAction): Promise<TrafficReport>;
  /**
   * Removes the pairs of a deleted batch from the comparisons: at once, and again after {@link removeAgainMs}, because
   * processes store pairs up to a second after scoring.
   */
  forget(batchId: string): Promise<void>;
  /** Adds the remaining counts to Redis, then stops. */
  close(): Promise<void>;
}

export interface TrafficDeps {
  registry: Registry;
  evaluation: Evaluation;
  redis: Redis;
  /** Called with a model that will soon score images, so that it can be loaded. */
  warm?: ((spec: ModelSpec) => void) | undefined;
  metrics?: Metrics | undefined;
  log: Logger;
}

const removeAgainMs = 10_000;

const hasPairProbability = (spec: ModelSpec | undefined): boolean => spec?.probability.kind === 'sigmoid';

export function createTraffic({ registry, evaluation, redis, warm, metrics, log }: TrafficDeps): Traffic {
  const store = createTrafficStore(redis);
  const observations = createObservations(metrics);
  const experiments = createExperiments({ registry, redis, store, observations, warm, log });
  const shared = createSharedEvaluation(evaluation, registry, observations);

  const report = async (experiment: Experiment) => {
    // Refreshed first, so that a client that has seen a rollback in a report gets no more scores by that canary.
    await experiments.refresh(experiment);
    return await reportOf(store, experiment);
  };
  async function find(profile: string): Promise<Experiment> {
    const isKnown = registry.profiles.includes(profile);
    const experiment = isKnown ? await experiments.of(profile) : undefined;
    if (experiment !== undefined) return experiment;
    const name = profile.slice(0, 100);
    const nearest = nearestName(profile, registry.profiles);
    const unknown = `No profile is named ${name}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
    throw new ServiceError(
      'traffic.not_shared',
      isKnown ? `The profile ${name} has only one model, so there is no traffic report` : unknown,
    );
  }

  metrics?.onScrape({
    read: () =>
      experiments.known().flatMap((experiment) => {
        const { profile, rules } = experiment;
        const model = rules.canary?.model;
        if (model === undefined) return [];
        const now = experiments.phaseOf(experiment);
        return canaryPhase.options.map((phase) => ({
          name: 'vls_canary_phase' as const,
          labels: { profile, model, phase },
          value: phase === now ? 1 : 0,
        }));
      }),
  });

  return {
    async route(asked = registry.defaultName) {
      const experiment = await experiments.of(asked);
      const plan = experiment && experiments.planOf(experiment);
      const spec = experiment?.specs.get(plan?.arms[0]?.model ?? '');
      if (plan === undefined || spec === undefined) {
        const resolved = await registry.resolve(asked);
        return { name: asked, ...resolved, pairProbabilities: hasPairProbability(resolved.spec) };
      }
      const pairProbabilities = plan.arms.some(({ model }) => hasPairProbability(experiment?.specs.get(model)));
      return { name: asked, profile: plan.profile, spec, pairProbabilities, plan };
    },
    async scoreTexts({ spec, plan }, image, texts, options) {
      if (plan === undefined) return (await evaluation.scoreTexts([spec], image, texts, options)).scores;
      return await shared.scoreTexts(plan, image, texts, options);
    },
    async scorePairs(pinned, pairs, options) {
      if (pinned.traffic !== undefined) return await shared.scorePairs(pinned.traffic, pairs, options);
      const spec = await registry.resolvePinned(pinned);
      if ('difference' in spec) return spec;
      return (await evaluation.scorePairs([spec], pairs, options)).answers.map(({ outcome }) => outcome);
    },
    async answerLines(pinned, lines, options) {
      const spec = await registry.resolvePinned(pinned);
      return 'difference' in spec ? spec : await evaluation.answerLines(spec, lines, options);
    },
    reports: () =>
      withRedis(redis, async () => {
        const all = await Promise.all(registry.profiles.map((profile) => experiments.of(profile)));
        return await Promise.all(all.filter((experiment) => experiment !== undefined).map(report));
      }),
    async report(profile) {
      const experiment = await find(profile);
      return await withRedis(redis, () => report(experiment));
    },
    async decide(profile, action) {
      const experiment = await find(profile);
      return await withRedis(redis, async () => {
        await experiments.decide(experiment, action);
        return await report(experiment);
      });
    },
    async forget(batchId) {
      const removeOnce = async () => {
        const all = await Promise.all(registry.profiles.map((profile) => experiments.of(profile)));
        for (const experiment of all) {
          if (experiment !== undefined)
            await store.removeBatch({ profile: experiment.profile, experiment: experiment.id }, batchId);
        }
      };
      await removeOnce();
      setTimeout(() => {
        removeOnce().catch((error: Error) =>
          log.warn({ err: error, batchId }, 'pairs of a deleted batch were not removed'),
        );
      }, removeAgainMs).unref();
    },
    close: () => experiments.close(),
  };
}
