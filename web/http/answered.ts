import { noAnswer } from './request-failed.ts';

/**
 * Waits for a response, or for its body.
 * @throws {RequestFailed} when the connection cannot be made or breaks. An aborted request throws the abort reason.
 */
export async function answered<Value>(ask: () => Promise<Value>, signal?: AbortSignal | null): Promise<Value> {
  try {
    return await ask();
  } catch (error) {
    // Browsers report all faults of a connection as a TypeError.
    if (signal?.aborted || !(error instanceof TypeError)) throw error;
    throw noAnswer();
  }
}
