import type { Evaluation, Options, Outcome, Pair, Scores } from '../evaluation/evaluation.ts';
import type { Listener, Scored } from '../evaluation/scored.ts';
import type { ModelSpec, Recipe } from '../models/model.ts';
import type { Registry } from '../models/registry/registry.ts';
import type { ImageSource } from '../shared/contracts/item.ts';
import type { Arm, TrafficPlan } from '../shared/contracts/traffic.ts';
import { type Code, ServiceError, toItemError } from '../shared/errors.ts';
import type { Observations, Subject } from './observations.ts';
import { armFor, imageKey, placeOf } from './plan.ts';

/** An outcome, and which model it is of where several share the batch. */
export type RoutedOutcome = Outcome & { model?: string };

/** What this process has instead of a pinned model, in words. */
export interface Difference {
  difference: string;
}

/** The same of a model that should be here. */
interface Fault extends Difference {
  isFault: true;
}
type Found = ModelSpec | Difference | Fault;

export interface SharedOptions extends Options {
  /**
   * Pairs of a model that cannot be used here fail with `model.unavailable`, and those of the other models of the plan
   * have their outcomes. Otherwise none has.
   */
  mayLackModels?: boolean;
}

/** Evaluates by the plan: each image by its model, some by another besides, and tells what became of it. */
export interface SharedEvaluation {
  score(
    plan: TrafficPlan,
    image: ImageSource | Uint8Array,
    texts: readonly string[],
    options?: Options,
  ): Promise<Scores>;
  evaluate(plan: TrafficPlan, pairs: readonly Pair[], options?: SharedOptions): Promise<RoutedOutcome[] | Difference>;
}

/** Codes of a request that ended for reasons of its own. */
const noEvidence = new Set<Code>(['request.aborted', 'overloaded']);

export function createSharedEvaluation(
  evaluation: Evaluation,
  registry: Registry,
  observations: Observations,
): SharedEvaluation {
  /** The models of a plan as they are here. A main model that should be here and cannot be used is this process' fault. */
  async function resolve(plan: TrafficPlan, lacksOne = false): Promise<Map<string, Found>> {
    const found = new Map<string, Found>();
    for (const recipe of [...plan.arms, ...(plan.shadow === undefined ? [] : [plan.shadow])]) {
      const spec = await registry.resolvePinned(recipe).catch((error: unknown): Fault => {
        if (error instanceof ServiceError && (lacksOne || recipe !== plan.arms[0]))
          return { difference: error.message, isFault: true };
        throw error;
      });
      found.set(recipe.model, spec);
    }
    return found;
  }

  /** The models that score an image besides the one that answers; one that is not here is left out. */
  function besides(
    plan: TrafficPlan,
    arm: Arm,
    key: string | Uint8Array,
    specs: ReadonlyMap<string, Found>,
  ): ModelSpec[] {
    const { profile, arms, trial, shadow } = plan;
    const wanted: (Recipe | undefined)[] = [];
    if (arm.role === 'canary' && placeOf(profile, 'compare', key) < (trial?.compare ?? 0)) wanted.push(arms[0]);
    if (shadow !== undefined && placeOf(profile, 'shadow', key) < shadow.share) wanted.push(shadow);
    return wanted.flatMap((recipe) => {
      const spec = recipe && specs.get(recipe.model);
      return spec === undefined || 'difference' in spec ? [] : [spec];
    });
  }

  /** Puts together what several models say of the same pair; the one that answers says it first. */
  function listen(plan: TrafficPlan, arm: Arm, subjectOf: (at: number) => Subject | undefined): Listener {
    const answers = new Map<number, Scored>();
    return (scored) => {
      if (scored.spec.model === arm.model) {
        observations.answered(plan, arm.role, scored);
        answers.set(scored.at, scored);
        return;
      }
      const answer = answers.get(scored.at);
      const subject = subjectOf(scored.at);
      if (answer === undefined || subject === undefined) return;
      if (scored.spec.model === plan.shadow?.model) observations.compared(plan, 'shadow', subject, answer, scored);
      else observations.compared(plan, 'canary', subject, scored, answer);
    };
  }

  /**
   * A canary that cannot be used must cost nobody an answer: the main model gives it, and the canary has failed. Where the
   * registry does not have it, nothing has: a change of the rules is seen by one process before another.
   */
  async function withoutCanary<Answer>(
    plan: TrafficPlan,
    arm: Arm,
    items: number,
    specs: ReadonlyMap<string, Found>,
    by: (arm: Arm) => Promise<Answer>,
  ): Promise<Answer> {
    const [main] = plan.arms;
    const found = specs.get(arm.model);
    if (arm.role === 'canary' && main !== undefined && found && 'difference' in found && !('isFault' in found)) {
      return await by(main);
    }
    try {
      return await by(arm);
    } catch (error) {
      const isFault = error instanceof ServiceError && error.code === 'model.unavailable';
      if (!isFault || arm.role !== 'canary' || main === undefined) throw error;
      const outcome = { code: error.code };
      for (let at = 0; at < items; at++) observations.answered(plan, arm.role, { spec: arm, at, outcome, runs: [] });
      return await by(main);
    }
  }

  return {
    async score(plan, image, texts, options = {}) {
      const key = imageKey(image);
      const specs = await resolve(plan);
      return await withoutCanary(plan, armFor(plan, key), texts.length, specs, async (arm) => {
        const spec = specs.get(arm.model);
        if (spec === undefined || 'difference' in spec) {
          throw new ServiceError('model.unavailable', spec?.difference ?? `${arm.model} is not here`);
        }
        const onScored = listen(plan, arm, (at) => {
          const text = texts[at];
          return text === undefined ? undefined : { image, text };
        });
        const beside = besides(plan, arm, key, specs);
        try {
          return await evaluation.score(spec, image, texts, { ...options, beside, onScored });
        } catch (error) {
          const code = error instanceof ServiceError ? error.code : 'internal';
          if (!noEvidence.has(code) && code !== 'model.unavailable') {
            for (const at of texts.keys()) onScored({ spec, at, outcome: { code }, runs: [] });
          }
          throw error;
        }
      });
    },

    async evaluate(plan, pairs, { mayLackModels = false, ...options } = {}) {
      const lacksOne = mayLackModels && plan.arms.length > 1;
      const specs = await resolve(plan, lacksOne);
      const groups = groupsOf(plan, pairs, (arm, key) => besides(plan, arm, key, specs));
      for (const { arm } of groups) {
        const spec = specs.get(arm.model);
        if (spec !== undefined && 'difference' in spec && arm.role !== 'canary' && !lacksOne) return spec;
      }
      const outcomes: RoutedOutcome[] = [];
      const faults: ServiceError[] = [];
      await Promise.all(
        groups.map(async ({ arm, beside, places }) => {
          const own = places.map((at) => pairs[at]).filter((pair) => pair !== undefined);
          await withoutCanary(plan, arm, own.length, specs, async (by) => {
            const spec = specs.get(by.model);
            if (spec === undefined || 'difference' in spec) {
              throw new ServiceError('model.unavailable', spec?.difference ?? `${by.model} is not here`);
            }
            const onScored = listen(plan, by, (at) => {
              const pair = own[at];
              return pair === undefined || 'error' in pair ? undefined : { ...pair, batchId: options.batchId };
            });
            // The main model in the canary's place needs nobody beside it.
            const others = by === arm ? beside : [];
            const evaluated = await evaluation.evaluate(spec, own, { ...options, beside: others, onScored });
            for (const [nth, outcome] of evaluated.entries()) {
              outcomes[places[nth] ?? 0] = { ...outcome, model: by.model };
            }
          }).catch((error: unknown) => {
            if (!lacksOne || !(error instanceof ServiceError) || error.code !== 'model.unavailable') throw error;
            faults.push(error);
            for (const place of places) {
              outcomes[place] = { status: 'failed', error: toItemError(error), model: arm.model };
            }
          });
        }),
      );
      // No model of the plan can be used: a fault of this process, not of the pairs.
      const [fault] = faults;
      if (fault !== undefined && faults.length === groups.length && groups.length > 1) throw fault;
      return outcomes;
    },
  };
}

/** Pairs that are evaluated by the same model, with the same ones beside it. */
function groupsOf(
  plan: TrafficPlan,
  pairs: readonly Pair[],
  besides: (arm: Arm, key: string | Uint8Array) => ModelSpec[],
): { arm: Arm; beside: ModelSpec[]; places: number[] }[] {
  const groups = new Map<string, { arm: Arm; beside: ModelSpec[]; places: number[] }>();
  for (const [at, pair] of pairs.entries()) {
    // One that intake found faulty needs no model; any will say so.
    const key = 'error' in pair ? '' : imageKey(pair.image);
    const arm = armFor(plan, key);
    const beside = 'error' in pair ? [] : besides(arm, key);
    const name = [arm, ...beside].map(({ model }) => model).join('\n');
    const group = groups.get(name) ?? { arm, beside, places: [] };
    group.places.push(at);
    groups.set(name, group);
  }
  return [...groups.values()];
}
