import { createResultWriter } from '../../formats/index.ts';
import type { StreamQuery } from '../../shared/contracts/batch/results.ts';
import { terminalStates } from '../../shared/contracts/batch/status.ts';
import type { BatchRecord } from '../store/record.ts';
import { isWhole } from './selection.ts';

/**
 * Returns the number of CSV cells that get a leading apostrophe, as counted at each commit, or undefined when it is
 * unknown.
 */
export function escapedCellsOf(batch: BatchRecord, query: StreamQuery): number | undefined {
  const { status, formulas } = query;
  if (formulas === 'keep') return 0;
  if (query.limit !== undefined || query.cursor !== undefined) return undefined;
  if (!isWhole({ ...query, status: undefined })) return undefined;
  if (!terminalStates.has(batch.state) || status === 'cancelled') return undefined;
  if (status === undefined && batch.cancelled > 0) return undefined;
  const csv = createResultWriter('csv', batch, formulas);
  csv.start();
  const succeeded = status === 'failed' ? 0 : batch.succeededFormulas;
  const failed = status === 'succeeded' ? 0 : batch.failedFormulas;
  return csv.escaped() + succeeded + failed;
}
