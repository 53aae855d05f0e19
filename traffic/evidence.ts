import type { ModelOutcome } from '../evaluation/outcome.ts';
import type { Code } from '../shared/errors.ts';

const endedEarly = new Set<Code>(['request.aborted', 'overloaded', 'cancelled']);

/**
 * Returns true when an outcome shows the quality of a model. Errors of the image or text do not: any model would fail,
 * and chance decides which gets the input.
 */
export function isEvidence({ outcome }: ModelOutcome): boolean {
  if (outcome.status === 'succeeded') return true;
  const { code } = outcome.error;
  return !/^(image|text|item)\./.test(code) && !endedEarly.has(code);
}
