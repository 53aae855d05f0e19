import { useEffect, useState } from 'preact/hooks';
import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import { readBetween } from '../workbench/ranked.ts';
import { labelOf } from './label-words.ts';
import { readLabels } from './sample.ts';
import type { StoredJudgement } from './stored-judgement.ts';

const names = ['label', 'labels', 'is_match', 'match', 'correct', 'gold'];

/** Offers to use a column of the input with labels (right or wrong). */
export function LabelColumn({
  summary,
  disabled,
  onChosen,
}: {
  summary: BatchSummary;
  disabled: boolean;
  onChosen: (read: (signal: AbortSignal) => Promise<StoredJudgement>) => void;
}) {
  const [column, setColumn] = useState<string>();
  useEffect(() => {
    const gone = new AbortController();
    const look = async () => {
      const [first] = await readBetween(summary.id, {}, 1, gone.signal);
      setColumn(names.find((name) => labelOf(first?.metadata?.[name]) !== undefined));
    };
    // If the first pair cannot be read, no column is offered. The start of a sample shows the error.
    void look().catch(() => {});
    return () => gone.abort();
  }, [summary.id]);
  if (column === undefined) return null;
  return (
    <button type="button" disabled={disabled} onClick={() => onChosen((signal) => readLabels(summary, column, signal))}>
      Use the column “{column}”
    </button>
  );
}
