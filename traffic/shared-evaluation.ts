import type { Evaluation } from '../evaluation/evaluation.ts';
import type { EvaluationOptions } from '../evaluation/options.ts';
import { failedWith, type Outcome, type Pair } from '../evaluation/outcome.ts';
import type { TextScores } from '../evaluation/score-texts.ts';
import type { ModelSpec } from '../models/model.ts';
import type { Registry } from '../models/registry/registry.ts';
import type { ImageSource } from '../shared/contracts/item.ts';
import type { Arm, TrafficPlan } from '../shared/contracts/traffic.ts';
import { ServiceError, toItemError } from '../shared/errors.ts';
import type { Observations } from './observations.ts';
import { armFor, imageKey } from './plan.ts';
import { comparedWith, type Difference, isUnknown, type PlanModels, resolvePlan, usableModel } from './plan-models.ts';
import { recordOutcomes } from './record.ts';

/** The outcome of a pair, with the model's name if several models score the batch. */
export type RoutedOutcome = Outcome & { model?: string };

export interface BatchOptions extends EvaluationOptions {
  /** The batch of the pairs. Comparisons store it, so that quoted pairs are deleted with their batch. */
  batchId?: string | undefined;
  /**
   * When this process cannot use the model of a pair: true fails only that pair with `model.unavailable`, false fails
   * the whole call.
   */
  mayLackModels?: boolean;
}

/**
 * Scores pairs with a plan that divides images among models, and counts the outcomes of each model. Some images are
 * also scored by the other models, for comparison.
 */
export interface SharedEvaluation {
  scoreTexts(
    plan: TrafficPlan,
    image: ImageSource | Uint8Array,
    texts: readonly string[],
    options?: EvaluationOptions,
  ): Promise<TextScores>;
  scorePairs(plan: TrafficPlan, pairs: readonly Pair[], options?: BatchOptions): Promise<RoutedOutcome[] | Difference>;
}

export function createSharedEvaluation(
  evaluation: Evaluation,
  registry: Registry,
  observations: Observations,
): SharedEvaluation {
  /**
   * Calls `answerBy` with the image's model, and again with the main model if that is an unavailable canary, for which
   * each pair then counts as a failure.
   */
  async function withFallback<Answer>(
    plan: TrafficPlan,
    arm: Arm,
    pairs: number,
    models: PlanModels,
    answerBy: (arm: Arm) => Promise<Answer>,
  ): Promise<Answer> {
    const [main] = plan.arms;
    if (arm.role !== 'canary' || main === undefined) return await answerBy(arm);
    // Processes notice a change of the rules at different times, so a different revision does not count as a failure of
    // the canary.
    if (isUnknown(models, arm.model)) return await answerBy(main);
    try {
      return await answerBy(arm);
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      for (let at = 0; at < pairs; at++) observations.answered(plan, arm.role, arm.model, failedWith(error));
      return await answerBy(main);
    }
  }

  return {
    async scoreTexts(plan, image, texts, options = {}) {
      const key = imageKey(image);
      const models = await resolvePlan(registry, plan);
      return await withFallback(plan, armFor(plan, key), texts.length, models, async (arm) => {
        const spec = usableModel(models, arm.model);
        try {
          const scored = await evaluation.scoreTexts(
            [spec, ...comparedWith(plan, arm, key, models)],
            image,
            texts,
            options,
          );
          const subjects = texts.map((text) => ({ image, text }));
          // The response does not wait for the models for comparison.
          void recordOutcomes(observations, plan, arm, subjects, scored);
          return scored.scores;
        } catch (error) {
          if (!isUnavailable(error)) {
            for (const _ of texts) observations.answered(plan, arm.role, arm.model, failedWith(error));
          }
          throw error;
        }
      });
    },

    async scorePairs(plan, pairs, { mayLackModels = false, ...options } = {}) {
      const mayLackOne = mayLackModels && plan.arms.length > 1;
      const models = await resolvePlan(registry, plan, mayLackOne);
      const groups = groupsOf(plan, pairs, models);
      for (const { arm } of groups) {
        const model = models.get(arm.model);
        if (model !== undefined && 'difference' in model && arm.role !== 'canary' && !mayLackOne) return model;
      }
      const outcomes: RoutedOutcome[] = [];
      const errors: ServiceError[] = [];
      await Promise.all(
        groups.map(async ({ arm, compared, indices }) => {
          const own = indices.map((at) => pairs[at]).filter((pair) => pair !== undefined);
          await withFallback(plan, arm, own.length, models, async (by) => {
            // After a fallback to the main model, nothing is compared.
            const others = by === arm ? compared : [];
            const scored = await evaluation.scorePairs([usableModel(models, by.model), ...others], own, options);
            const subjects = own.map((pair) => ('image' in pair ? { ...pair, batchId: options.batchId } : undefined));
            // A batch waits for the models for comparison, because their unfinished work could fill the memory.
            await recordOutcomes(observations, plan, by, subjects, scored);
            for (const [nth, { outcome }] of scored.answers.entries()) {
              outcomes[indices[nth] ?? 0] = { ...outcome, model: by.model };
            }
          }).catch((error: unknown) => {
            if (!mayLackOne || !isUnavailable(error)) throw error;
            errors.push(error);
            for (const at of indices) {
              outcomes[at] = { status: 'failed', error: toItemError(error), model: arm.model };
            }
          });
        }),
      );
      // This process can use no model of the plan, so the fault is not in the pairs.
      const [error] = errors;
      if (error !== undefined && errors.length === groups.length && groups.length > 1) throw error;
      return outcomes;
    },
  };
}

const isUnavailable = (error: unknown): error is ServiceError =>
  error instanceof ServiceError && error.code === 'model.unavailable';

/** Groups pairs by the models that score them, for the response and for comparison. */
function groupsOf(
  plan: TrafficPlan,
  pairs: readonly Pair[],
  models: PlanModels,
): { arm: Arm; compared: ModelSpec[]; indices: number[] }[] {
  const groups = new Map<string, { arm: Arm; compared: ModelSpec[]; indices: number[] }>();
  for (const [at, pair] of pairs.entries()) {
    // A pair with an error may be in any group. Pairs with a stored embedding do not occur here: only batches with a
    // single model use them.
    const key = 'image' in pair ? imageKey(pair.image) : '';
    const arm = armFor(plan, key);
    const compared = 'image' in pair ? comparedWith(plan, arm, key, models) : [];
    const name = [arm, ...compared].map(({ model }) => model).join('\n');
    const group = groups.get(name) ?? { arm, compared, indices: [] };
    group.indices.push(at);
    groups.set(name, group);
  }
  return [...groups.values()];
}
