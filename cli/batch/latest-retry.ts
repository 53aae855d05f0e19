import { called } from '../../shared/called.ts';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import { coveredBy, type ItemSet } from '../../shared/replaced-items.ts';
import type { ServiceClient } from '../client.ts';
import { counted, whole } from '../progress.ts';
import { pathOf } from './watch.ts';

/** The latest retry of a batch, which runs or has a success. */
export interface LatestRetry {
  /** Its progress or outcome, without a full stop. */
  outcome: string;
  /** The sentence with its next step; undefined if there is none. */
  next: string | undefined;
  /** The outcome and the next step. */
  words: string;
  covered: ItemSet;
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
    const watch = `\`${called} watch ${retry.id}\``;
    return { outcome, next: `${watch} follows it.`, words: `${outcome}; follow it with ${watch}.`, covered };
  }
  if (succeeded === 0) return undefined;
  const stopped = cancelled === 0 ? '' : `, ${whole(cancelled)} cancelled`;
  const outcome = `Batch ${retry.id} has scored ${scores}: ${whole(succeeded)} succeeded, ${whole(failed)} failed${stopped}`;
  const next = restOf(retry);
  return { outcome, next, words: `${outcome}.${next === undefined ? '' : ` ${next}`}`, covered };
}

function restOf({ id, items: { failed, cancelled } }: Pick<BatchStatus, 'id' | 'items'>): string | undefined {
  if (failed + cancelled === 0) return undefined;
  const flags = `${failed > 0 ? ' --all' : ''}${cancelled > 0 ? ' --cancelled' : ''}`;
  return `\`${called} retry ${id}${flags}\` scores only those that ${cancelled > 0 ? 'have no score' : 'failed'}.`;
}
