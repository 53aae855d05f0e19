import { useEffect, useState } from 'preact/hooks';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import type { RequestFailed } from '../../http/client.ts';
import { useHashQuery } from '../../shell/hash-query.ts';
import { DeleteButton } from '../../ui/delete-button.tsx';
import * as numbers from '../../ui/numbers.ts';
import { ProblemBox } from '../../ui/problem.tsx';
import type { Scale } from '../../ui/scale.ts';
import { forgetFormerSample } from './browser-labels.ts';
import { ExportLabels } from './export-labels.tsx';
import { Judging } from './judging.tsx';
import { judgedCount, type StoredSample, wordOf } from './labelled-sample.ts';
import { deleteSample } from './sample-requests.ts';
import { saverOf, useSaverState, withUnsaved } from './saver-of.ts';
import { lateWords, unsavedWords } from './unsaved-words.ts';
import { useLabelColumn } from './use-first-pairs.ts';
import { VerdictBox } from './verdict-box.tsx';

/** Shows the pairs of a sample to judge, and the estimates from its labels. */
export function SampleView({
  status,
  summary,
  scale,
  sample,
  takesFocus,
  onDeleted,
  onOther,
  onColumn,
}: {
  status: BatchStatus;
  summary: BatchSummary;
  scale: Scale;
  sample: StoredSample;
  takesFocus: boolean;
  onDeleted: () => void;
  /** Called with a sentence for the user when the service has another sample, or none. */
  onOther: (words: string) => void;
  /** Called when the labels of a column of the input shall replace the sample in this browser. */
  onColumn: (column: string) => void;
}) {
  const { id, tenant } = status;
  const [saver] = useState(() => saverOf(id, sample.sample));
  const saved = useSaverState(saver);
  const [pairs, setPairs] = useState(() => withUnsaved(sample, saver.state));
  const [failure, setFailure] = useState<RequestFailed>();
  const judged = judgedCount(pairs);
  const column = useLabelColumn(id);

  useEffect(() => {
    if (saved.isRefused) {
      const lost = numbers.counted(saved.unsaved.size, 'label');
      onOther(`The sample was replaced or deleted meanwhile. ${lost} could not be stored.`);
    }
  }, [saved.isRefused]);

  const { query, set } = useHashQuery();
  // A sample says little about a threshold far from its own, so it brings its own to a view without one.
  useEffect(() => {
    if (!query.has('threshold') && sample.threshold !== undefined) set({ threshold: String(sample.threshold) });
  }, []);

  function label(index: number, isRight: boolean | undefined): void {
    saver.set(index, isRight === undefined ? null : wordOf(isRight));
    setPairs((all) => all.map((pair) => (pair.index === index ? { ...pair, isRight } : pair)));
  }

  async function remove(): Promise<void> {
    setFailure(undefined);
    try {
      await deleteSample(id, sample.sample);
    } catch (error) {
      const refused = error as RequestFailed;
      if (refused.status === 409) return onOther('Another sample was begun meanwhile. Its labels are not deleted.');
      return setFailure(refused);
    }
    saver.discard();
    forgetFormerSample(id);
    onDeleted();
  }

  const unsaved = unsavedWords(saved);
  return (
    <>
      <div class="judging">
        <Judging
          batch={id}
          tenant={tenant}
          pairs={pairs}
          late={lateWords(saved)}
          takesFocus={takesFocus}
          onLabel={label}
        />
        <VerdictBox id={id} summary={summary} scale={scale} pairs={pairs} />
      </div>
      {unsaved !== undefined && (
        <p class="notice" role="status">
          {unsaved}
        </p>
      )}
      <p class="actions">
        <ExportLabels status={status} pairs={pairs} />
        <DeleteButton
          name="Delete labels and start again"
          question={`Delete ${numbers.counted(judged, 'label')}?`}
          onDelete={() => void remove()}
        >
          The labels are stored with the batch, so they are deleted for everybody. Export them first to keep them.
        </DeleteButton>
        {column !== undefined && (
          <button type="button" onClick={() => onColumn(column)}>
            Use the column “{column}”
          </button>
        )}
      </p>
      {failure !== undefined && <ProblemBox failure={failure} />}
    </>
  );
}
