import type { SampleStart } from '../../../shared/contracts/batch/judgement.ts';
import type { RequestFailed } from '../../http/request-failed.ts';
import { type FormerSample, forgetFormerSample, formerSample, keepUnsaved } from './browser-labels.ts';
import type { Labels } from './label-saver.ts';
import { type StoredSample, wordOf } from './labelled-sample.ts';

/** The requests of one batch; see sample-requests.ts. */
export interface SampleRequests {
  read(): Promise<StoredSample | undefined>;
  start(start: Pick<SampleStart, 'edges' | 'indexes'>): Promise<string>;
}

/**
 * Reads the sample of a batch; undefined if it has none. If an earlier release of the page has stored a sample in this
 * browser, it becomes the sample of a batch that has none.
 * @throws {RequestFailed}
 */
export async function loadSample(id: string, requests: SampleRequests): Promise<StoredSample | undefined> {
  const stored = await requests.read();
  if (stored !== undefined) return stored;
  const former = formerSample(id);
  if (former === undefined || !(await isMoved(id, former, requests))) return undefined;
  return await requests.read();
}

/** Begins a sample with the pairs of a former one. Its labels are sent like labels that a failed request left. */
async function isMoved(id: string, { edges, pairs }: FormerSample, { start }: SampleRequests): Promise<boolean> {
  try {
    const sample = await start({ edges, indexes: pairs.map(({ index }) => index) });
    forgetFormerSample(id);
    keepUnsaved(id, sample, labelsOf(pairs));
    return true;
  } catch (error) {
    const { status } = error as RequestFailed;
    // Another person has begun a sample meanwhile.
    if (status === 409) return true;
    // The sample does not fit the batch.
    if (status === 400) return false;
    throw error;
  }
}

const labelsOf = (pairs: FormerSample['pairs']): Labels =>
  new Map(pairs.flatMap(({ index, isRight }) => (isRight === undefined ? [] : [[index, wordOf(isRight)]])));
