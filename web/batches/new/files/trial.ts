import { RequestFailed } from '../../../http/request-failed.ts';
import { detailAfter } from '../../../ui/sentence.ts';
import type { Cell } from './cell.ts';

/** The result of scoring one row before the batch is posted. */
export type Trial = Scored | { failure: string };

export interface Scored {
  score: number;
  /** The warnings of the service, for example about a text that the model reads only in part. */
  warnings: readonly string[];
}

export interface TrialRow {
  image: Cell;
  text: string;
  /** The reason why the batch will refuse the row. The row is then not scored. */
  fault: string | undefined;
}

/** Scores rows one after another, and reports each result. */
export async function scoreRows(
  rows: readonly TrialRow[],
  score: (row: TrialRow) => Promise<Scored>,
  onResult: (row: number, trial: Trial) => void,
): Promise<void> {
  for (const [at, row] of rows.entries()) {
    onResult(at, row.fault === undefined ? await trialOf(row, score) : { failure: 'item.invalid' });
  }
}

async function trialOf(row: TrialRow, score: (row: TrialRow) => Promise<Scored>): Promise<Trial> {
  try {
    return await score(row);
  } catch (error) {
    if (!(error instanceof RequestFailed)) throw error;
    return { failure: `${error.title}. ${detailAfter(error.title, error.message)}`.trim() };
  }
}
