import type {
  JudgedPair,
  Judgement,
  SampleCounts,
  SampleLabels,
  SampleStart,
} from '../../../shared/contracts/batch/judgement.ts';
import { fetchJson } from '../../http/client.ts';
import type { SampledPair, StoredSample } from './labelled-sample.ts';

const pathOf = (id: string): string => `v1/evaluation/batch/${encodeURIComponent(id)}/judgement`;

/** Reads the sample of a batch; undefined if it has none. @throws {RequestFailed} */
export async function readSample(id: string, signal: AbortSignal): Promise<StoredSample | undefined> {
  const { sample, threshold, pairs } = await fetchJson<Judgement>(pathOf(id), { signal });
  return sample === null ? undefined : { sample, threshold, pairs: pairs.map(pairOf) };
}

const pairOf = ({ index, id, score, image, imageStored, imagePath, text, label }: JudgedPair): SampledPair => ({
  ...{ index, id, score, image, imageStored, imagePath, text },
  isRight: label === undefined ? undefined : label === 'right',
});

/**
 * Begins a sample, and returns its id.
 * @throws {RequestFailed} with the status 409 if the batch already has a sample.
 */
export async function startSample(id: string, start: Omit<SampleStart, 'replaces'>): Promise<string> {
  const { sample } = await send<SampleCounts>(id, 'PUT', { ...start, replaces: null } satisfies SampleStart);
  return sample;
}

/** @throws {RequestFailed} with the status 409 if the sample was replaced or deleted. */
export async function sendLabels(id: string, labels: SampleLabels): Promise<void> {
  await send(id, 'PATCH', labels);
}

/** @throws {RequestFailed} with the status 409 if the sample was replaced. */
export async function deleteSample(id: string, sample: string): Promise<void> {
  await fetchJson(`${pathOf(id)}?sample=${encodeURIComponent(sample)}`, { method: 'DELETE' });
}

const send = <Body>(id: string, method: 'PUT' | 'PATCH', body: object): Promise<Body> =>
  // A request in flight continues when the user leaves the page.
  fetchJson<Body>(pathOf(id), {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    keepalive: true,
  });
