import { z } from 'zod';
import type { ItemResult } from '../../shared/contracts/item.ts';

const example = z.object({ index: z.int(), message: z.string() });

/** Counts of rows by outcome, with an example of each kind of failure. */
export const tallySchema = z.object({
  succeeded: z.int(),
  failed: z.int(),
  cancelled: z.int(),
  /** CSV cells that got a leading apostrophe, because a spreadsheet would run them as formulas. */
  escapedCells: z.int().default(0),
  /** Scored rows with a warning, such as a truncated text. */
  warned: z.object({ rows: z.int(), first: example }).optional(),
  failures: z.record(z.string(), z.object({ items: z.int(), first: example })),
});
export type Tally = z.output<typeof tallySchema>;

export const emptyTally = (): Tally => ({ succeeded: 0, failed: 0, cancelled: 0, escapedCells: 0, failures: {} });

export function count(tally: Tally, result: ItemResult): void {
  tally[result.status === 'answered' ? 'succeeded' : result.status]++;
  if (result.status === 'succeeded' && result.warnings?.[0] !== undefined) {
    tally.warned ??= { rows: 0, first: { index: result.index, message: result.warnings[0] } };
    tally.warned.rows++;
  }
  if (result.status !== 'failed') return;
  const { code, message } = result.error;
  tally.failures[code] ??= { items: 0, first: { index: result.index, message } };
  tally.failures[code].items++;
}

export const rowsOf = ({ succeeded, failed, cancelled }: Tally): number => succeeded + failed + cancelled;
