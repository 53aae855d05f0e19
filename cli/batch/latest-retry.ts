import { called } from '../../shared/called.ts';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import type { ServiceClient } from '../client.ts';
import { counted, whole } from '../progress.ts';
import { pathOf } from './watch.ts';

/**
 * Describes the latest retry of a batch, with its next step. Returns undefined without a retry, and for one without a
 * success, which replaces nothing.
 */
export async function latestRetryWords(
  client: ServiceClient,
  { id, retriedBy }: Pick<BatchStatus, 'id' | 'retriedBy'>,
): Promise<string | undefined> {
  if (!retriedBy) return undefined;
  // It may have been deleted.
  const retry = await client.json<BatchStatus>(pathOf(retriedBy)).catch(() => undefined);
  if (retry === undefined) return undefined;
  const { total, succeeded, failed } = retry.items;
  const scores = `${counted(total, 'item')} of batch ${id} again`;
  if (retry.finishedAt === null)
    return `Batch ${retry.id} scores ${scores}; follow it with \`${called} watch ${retry.id}\`.`;
  if (succeeded === 0) return undefined;
  const rest = failed === 0 ? '' : ` \`${called} retry ${retry.id} --all\` scores only those that failed.`;
  return `Batch ${retry.id} has scored ${scores}: ${whole(succeeded)} succeeded, ${whole(failed)} failed.${rest}`;
}
