import type { ScoredPairs } from '../evaluation/outcome.ts';
import type { Arm, TrafficPlan } from '../shared/contracts/traffic.ts';
import type { Observations, Subject } from './observations.ts';

/**
 * Counts the outcomes of an experiment. Resolves when the models for comparison have scored the pairs, too.
 * @param arm the model whose scores are returned.
 * @param subjects the pairs, in the order of the outcomes; undefined for a pair that no model has scored.
 */
export async function recordOutcomes(
  observations: Observations,
  plan: TrafficPlan,
  arm: Arm,
  subjects: readonly (Subject | undefined)[],
  { answers, compared }: ScoredPairs,
): Promise<void> {
  for (const [at, answer] of answers.entries()) {
    if (subjects[at] !== undefined) observations.answered(plan, arm.role, arm.model, answer);
  }
  await Promise.all(
    compared.map(async ({ model, outcomes }) => {
      for (const [at, other] of (await outcomes).entries()) {
        const [subject, answer] = [subjects[at], answers[at]];
        if (subject === undefined || answer === undefined || other === undefined) continue;
        if (model === plan.shadow?.model) observations.compared(plan, 'shadow', model, subject, answer, other);
        else observations.compared(plan, 'canary', arm.model, subject, other, answer);
      }
    }),
  );
}
