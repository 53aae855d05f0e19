import { called } from '../../shared/called.ts';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import { countWith, type Remedies } from '../../shared/remedies.ts';
import { coveredBy, type ItemSet } from '../../shared/replaced-items.ts';
import type { ServiceClient } from '../client.ts';
import { counted, whole } from '../progress.ts';
import { lastingLines, readRemedies } from './lasting-failures.ts';
import { pathOf } from './watch.ts';

/** The latest retry of a batch, which runs or has a success. */
export interface LatestRetry {
  /** Its progress or outcome, without a full stop. */
  outcome: string;
  /** The lines with its next steps. */
  steps: string[];
  covered: ItemSet;
  /** True if `steps` has those of every failed item of the batch. */
  replacesSteps: boolean;
}

/**
 * Reads the latest retry of a batch. Returns undefined without a retry, and for one without a success, which replaces
 * nothing.
 */
export async function readLatestRetry(
  client: ServiceClient,
  original: Pick<BatchStatus, 'id' | 'retriedBy' | 'items'>,
): Promise<LatestRetry | undefined> {
  const { id, retriedBy } = original;
  if (!retriedBy) return undefined;
  // It may have been deleted.
  const retry = await client.json<BatchStatus>(pathOf(retriedBy)).catch(() => undefined);
  if (retry === undefined) return undefined;
  const covered = coveredBy(retry, original);
  const { total, succeeded, failed, cancelled } = retry.items;
  const scores = `${counted(total, 'item')} of batch ${id} again`;
  if (retry.finishedAt === null) {
    const outcome = `Batch ${retry.id} scores ${scores}`;
    return { outcome, steps: [`\`${called} watch ${retry.id}\` follows it.`], covered, replacesSteps: false };
  }
  if (succeeded === 0) return undefined;
  const stopped = cancelled === 0 ? '' : `, ${whole(cancelled)} cancelled`;
  const outcome = `Batch ${retry.id} has scored ${scores}: ${whole(succeeded)} succeeded, ${whole(failed)} failed${stopped}`;
  const steps = stepsAfter(retry, await readRemedies(client, retry));
  return { outcome, steps, covered, replacesSteps: covered.all };
}

/** Returns the lines about a latest retry: its outcome, then its next steps. */
export const linesOf = ({ outcome, steps }: LatestRetry): string[] => [`${outcome}.`, ...steps];

function stepsAfter(retry: BatchStatus, remedies: Remedies): string[] {
  const { cancelled } = retry.items;
  const count = countWith(remedies, 'retry') + cancelled;
  const command = `${called} retry ${retry.id}${cancelled > 0 ? ' --cancelled' : ''}`;
  return [
    ...(count === 0 ? [] : [`\`${command}\` scores ${counted(count, 'item')} that may succeed.`]),
    ...lastingLines(retry, remedies),
  ];
}
