import { useEffect, useRef, useState } from 'preact/hooks';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import type { RequestFailed } from '../../http/client.ts';
import { DeleteButton } from '../../ui/delete-button.tsx';
import * as numbers from '../../ui/numbers.ts';
import { ProblemBox } from '../../ui/problem.tsx';
import type { Scale } from '../../ui/scale.ts';
import { saveText } from '../downloads.ts';
import { useThreshold } from '../workbench/use-threshold.ts';
import { Judging } from './judging.tsx';
import { LabelColumn } from './label-column.tsx';
import { takeSample } from './sample.ts';
import { labelsAsCsv, loadJudgement, type StoredJudgement, storeJudgement } from './stored-judgement.ts';
import { tooFewWords } from './too-few-pairs.ts';
import { useBlindWords } from './use-blind-words.ts';
import { useTooFewPairs } from './use-too-few-pairs.ts';
import { VerdictBox } from './verdict-box.tsx';

export function JudgeView({ status, summary, scale }: { status: BatchStatus; summary: BatchSummary; scale: Scale }) {
  const [judgement, setJudgement] = useState<StoredJudgement | undefined>(() => loadJudgement(status.id));
  const [isStored, setStored] = useState(true);
  const [isStartedHere, setStartedHere] = useState(false);

  function change(next: StoredJudgement | undefined): void {
    setJudgement(next);
    setStored(storeJudgement(status.id, next));
  }

  if (judgement === undefined) {
    return (
      <Start
        summary={summary}
        scale={scale}
        onStart={(next) => {
          setStartedHere(true);
          change(next);
        }}
      />
    );
  }
  const { pairs } = judgement;
  const judged = pairs.filter(({ isRight }) => isRight !== undefined).length;
  return (
    <div class="stack">
      <div class="judging">
        <Judging
          tenant={status.tenant}
          pairs={pairs}
          takesFocus={isStartedHere}
          onChange={(next) => change({ ...judgement, pairs: next })}
        />
        <VerdictBox id={status.id} summary={summary} scale={scale} judgement={judgement} />
      </div>
      {!isStored && <p class="notice">The storage of this browser is full. Export the labels before you leave.</p>}
      <p class="actions">
        <button
          type="button"
          disabled={judged === 0}
          onClick={() => saveText(labelsAsCsv(pairs), `batch-${status.id}-labels.csv`)}
        >
          Export labels
        </button>
        <DeleteButton
          name="Delete labels and start again"
          question={`Delete ${numbers.counted(judged, 'label')}?`}
          onDelete={() => change(undefined)}
        >
          The labels of this batch are only in this browser. Export them first to keep them.
        </DeleteButton>
      </p>
    </div>
  );
}

function Start({
  summary,
  scale,
  onStart,
}: {
  summary: BatchSummary;
  scale: Scale;
  onStart: (judgement: StoredJudgement) => void;
}) {
  const [threshold] = useThreshold(scale);
  const different = useTooFewPairs(summary);
  const blind = useBlindWords(summary);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<RequestFailed>();
  const gone = useRef(new AbortController());
  useEffect(() => () => gone.current.abort(), []);

  async function load(read: (signal: AbortSignal) => Promise<StoredJudgement>): Promise<void> {
    setBusy(true);
    setFailure(undefined);
    try {
      onStart(await read(gone.current.signal));
    } catch (error) {
      if (!gone.current.signal.aborted) setFailure(error as RequestFailed);
    }
    setBusy(false);
  }

  return (
    <section class="card" aria-labelledby="judge">
      <h2 id="judge">Judge a sample</h2>
      <p>
        Judge about 100 pairs around {numbers.threshold(threshold)}: does the text describe the image? The page then
        estimates how many of the kept pairs are right, and how many of the right pairs are kept. Scores stay hidden
        while you judge.
      </p>
      {different !== undefined && <p class="notice">{tooFewWords('This batch', different, 'different pair')}</p>}
      {blind !== undefined && <p class="notice">{blind}</p>}
      <p class="actions">
        <button
          type="button"
          class="primary"
          disabled={busy}
          onClick={() => void load((signal) => takeSample(summary, threshold, signal))}
        >
          {busy ? 'Reading…' : 'Start'}
        </button>
        <LabelColumn summary={summary} disabled={busy} onChosen={(read) => void load(read)} />
      </p>
      <p class="fine soft">Labels stay in this browser until you delete them.</p>
      {failure !== undefined && <ProblemBox failure={failure} />}
    </section>
  );
}
