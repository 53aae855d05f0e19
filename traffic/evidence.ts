import type { ModelOutcome } from '../evaluation/outcome.ts';
import type { Code } from '../shared/errors.ts';

/** Error codes of work that its caller or a busy process ended. */
const endedEarly = new Set<Code>(['request.aborted', 'overloaded', 'cancelled']);

/**
 * Returns true when an outcome is evidence about the quality of a model. Errors of an item are not, since any model
 * would fail on the item, and chance decides which model gets it.
 */
export function isEvidence({ outcome }: ModelOutcome): boolean {
  if (outcome.status === 'succeeded') return true;
  const { code } = outcome.error;
  return !/^(image|text|item)\./.test(code) && !endedEarly.has(code);
}
