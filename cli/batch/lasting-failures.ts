import { called } from '../../shared/called.ts';
import type { ResultsPage } from '../../shared/contracts/batch/results.ts';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import {
  countWith,
  laterRetryWords,
  nextSteps,
  originOfImages,
  originQueries,
  type Remedies,
  remediesOf,
} from '../../shared/remedies.ts';
import type { ServiceClient } from '../client.ts';
import { counted, whole } from '../progress.ts';
import { pathOf } from './watch.ts';

/** Reads the first unusable images of a batch, because a code does not say where an image was. */
export async function readRemedies(client: ServiceClient, batch: BatchStatus): Promise<Remedies> {
  const read = async (query: string) =>
    (await client.json<ResultsPage>(`${pathOf(batch.id)}/results?${query}`)).results;
  // Without these results the advice is only less exact.
  const results = await Promise.all(originQueries(batch).map(read)).catch(() => []);
  return remediesOf(batch, originOfImages(results.flat()));
}

/** Returns the lines about failed items that would fail again: their number, then their next steps. */
export function lastingLines({ id, items }: Pick<BatchStatus, 'id' | 'items'>, remedies: Remedies): string[] {
  const lasting = items.failed - countWith(remedies, 'retry');
  if (lasting === 0) return [];
  const rest = laterRetryWords(remedies, whole);
  return [
    `${counted(lasting, 'failed item')} would fail again:`,
    ...nextSteps(remedies, `\`${called} batch\``, whole).map(({ items: some, step }) => `  ${some}: ${step}`),
    ...(rest === undefined ? [] : [`After that, \`${called} retry ${id} --all\` scores all failed items.${rest}`]),
  ];
}
