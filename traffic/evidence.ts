import type { ModelOutcome } from '../evaluation/outcome.ts';
import type { Code } from '../shared/errors.ts';

/** Codes of work that was ended by its caller or by a busy process. */
const endedEarly = new Set<Code>(['request.aborted', 'overloaded', 'cancelled']);

/**
 * Returns true when an outcome says something about the model. Errors of an item do not: all models share them, and
 * chance decides which model gets the item.
 */
export function isEvidence({ outcome }: ModelOutcome): boolean {
  if (outcome.status === 'succeeded') return true;
  const { code } = outcome.error;
  return !/^(image|text|item)\./.test(code) && !endedEarly.has(code);
}
