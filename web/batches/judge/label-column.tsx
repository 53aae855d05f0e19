import { useEffect, useState } from 'preact/hooks';
import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import { readBetween } from '../workbench/ranked.ts';
import { labelOf } from './label-words.ts';
import { readLabels } from './sample.ts';
import type { StoredJudgement } from './stored-judgement.ts';

const names = ['label', 'labels', 'is_match', 'match', 'correct', 'gold'];

/** If a column of the input contains labels (right or wrong), offers to use them. */
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
    // If the first pair cannot be read, no label column is offered. When the user starts a sample, the page shows the
    // error.
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
