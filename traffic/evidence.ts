import type { ModelOutcome } from '../evaluation/outcome.ts';
import type { Code } from '../shared/errors.ts';

/** Codes of work that its caller or a busy process has ended. */
const endedEarly = new Set<Code>(['request.aborted', 'overloaded', 'cancelled']);

/**
 * Whether an outcome says something about the model. Errors of an item are the same for every model, and chance gives the
 * item to one model or to another.
 */
export function isEvidence({ outcome }: ModelOutcome): boolean {
  if (outcome.status === 'succeeded') return true;
  const { code } = outcome.error;
  return !/^(image|text|item)\./.test(code) && !endedEarly.has(code);
}
