import { useEffect, useRef, useState } from 'preact/hooks';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import type { RequestFailed } from '../../http/client.ts';
import * as numbers from '../../ui/numbers.ts';
import { ProblemBox } from '../../ui/problem.tsx';
import type { Scale } from '../../ui/scale.ts';
import { Waiting } from '../../ui/waiting.tsx';
import { drawFrom } from '../workbench/ranked.ts';
import { ExportLabels } from './export-labels.tsx';
import type { LabelledSample } from './labelled-sample.ts';
import { maxLabelled, readLabels } from './sample.ts';
import { VerdictBox } from './verdict-box.tsx';

/** Shows the estimates from the labels in a column of the input. */
export function ColumnView({
  status,
  summary,
  scale,
  column,
  takesFocus,
  onLeave,
}: {
  status: BatchStatus;
  summary: BatchSummary;
  scale: Scale;
  column: string;
  /** True if the focus was on a control that this view has replaced. */
  takesFocus: boolean;
  onLeave: () => void;
}) {
  const { id } = status;
  const [sample, setSample] = useState<LabelledSample>();
  const [failure, setFailure] = useState<RequestFailed>();
  const [round, setRound] = useState(0);
  useEffect(() => {
    const gone = new AbortController();
    setFailure(undefined);
    readLabels(column, drawFrom(summary.id, gone.signal)).then(setSample, (error) => {
      if (!gone.signal.aborted) setFailure(error as RequestFailed);
    });
    return () => gone.abort();
  }, [id, column, round]);

  const section = useRef<HTMLElement>(null);
  useEffect(() => {
    if (takesFocus) section.current?.focus();
  }, []);

  return (
    <div class="judging">
      <section ref={section} class="card" aria-labelledby="column" tabIndex={-1}>
        <h2 id="column">The labels of the column “{column}”</h2>
        {failure !== undefined ? (
          <ProblemBox failure={failure} retry={() => setRound((count) => count + 1)} />
        ) : sample === undefined ? (
          <Waiting what="the labels" />
        ) : (
          <p>
            {numbers.counted(sample.pairs.length, 'label')} in{' '}
            {summary.succeeded > maxLabelled && `${numbers.count(maxLabelled)} randomly drawn ones of `}
            {numbers.counted(summary.succeeded, 'pair')}.
          </p>
        )}
        <p class="actions">
          {sample !== undefined && <ExportLabels status={status} pairs={sample.pairs} />}
          <button type="button" onClick={onLeave}>
            Judge a sample instead
          </button>
        </p>
      </section>
      {sample !== undefined && <VerdictBox id={id} summary={summary} scale={scale} pairs={sample.pairs} />}
    </div>
  );
}
