import type { ModelOutcome } from '../evaluation/outcome.ts';
import type { Code } from '../shared/errors.ts';

/** Error codes of work that ended early, because the caller left or the process was busy. */
const endedEarly = new Set<Code>(['request.aborted', 'overloaded', 'cancelled']);

/**
 * Returns true when an outcome says something about the quality of a model. An error of the image or text does not: any
 * model would fail on it, and chance decides which model gets it.
 */
export function isEvidence({ outcome }: ModelOutcome): boolean {
  if (outcome.status === 'succeeded') return true;
  const { code } = outcome.error;
  return !/^(image|text|item)\./.test(code) && !endedEarly.has(code);
}
