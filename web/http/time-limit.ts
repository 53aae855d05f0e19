import { noAnswer } from './request-failed.ts';

/** The time in ms after which a request of a view that has a value counts as unanswered. */
export const answerMs = 10_000;
/** The same for a view without a value, which shows that it waits. A busy service may need longer for it. */
export const firstAnswerMs = 60_000;

/**
 * Aborts requests that are not answered within `ms`. A network may lose a connection without an error, and a stopped
 * process keeps its connections open.
 * @throws {RequestFailed} after `ms`.
 */
export async function withTimeLimit<Value>(
  ms: number,
  signal: AbortSignal,
  load: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), ms);
  try {
    return await load(AbortSignal.any([signal, limit.signal]));
  } catch (error) {
    throw limit.signal.aborted && !signal.aborted ? noAnswer() : error;
  } finally {
    clearTimeout(timer);
  }
}
