import { resultsOf } from './downloads.ts';
import { type FailureSample, groupFailures } from './failure-causes.ts';

/**
 * Reads the first failed items of a batch in groups.
 * @throws {RequestFailed}
 */
export async function sampleFailures(id: string, signal: AbortSignal): Promise<FailureSample> {
  const { body } = await resultsOf(id, 'ndjson', { status: 'failed', items: 'true' }, signal);
  return await groupFailures(body?.pipeThrough(new TextDecoderStream()));
}
