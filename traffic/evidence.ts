import type { ModelOutcome } from '../evaluation/outcome.ts';
import type { Code } from '../shared/errors.ts';

/**
 * Error codes of work that ended early, because the client closed the connection, the process was busy or the work was
 * cancelled.
 */
const endedEarly = new Set<Code>(['request.aborted', 'overloaded', 'cancelled']);

/**
 * Returns true when an outcome tells something about the quality of a model. Errors of the image or text do not: any
 * model would fail on that input, and chance decides which model gets it.
 */
export function isEvidence({ outcome }: ModelOutcome): boolean {
  if (outcome.status === 'succeeded') return true;
  const { code } = outcome.error;
  return !/^(image|text|item)\./.test(code) && !endedEarly.has(code);
}
