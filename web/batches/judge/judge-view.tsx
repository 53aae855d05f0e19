import { useState } from 'preact/hooks';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import { ProblemBox } from '../../ui/problem.tsx';
import type { Scale } from '../../ui/scale.ts';
import { Waiting } from '../../ui/waiting.tsx';
import { chooseColumn, chosenColumn } from './browser-labels.ts';
import { ColumnView } from './column-view.tsx';
import { SampleView } from './sample-view.tsx';
import { StartBox } from './start-box.tsx';
import { useSample } from './use-sample.ts';

interface Judged {
  status: BatchStatus;
  summary: BatchSummary;
  scale: Scale;
}

/** Shows the labels of a column of the input if the user has chosen one, and otherwise the sample of the batch. */
export function JudgeView(judged: Judged) {
  const { id } = judged.status;
  const [column, setColumn] = useState(() => chosenColumn(id));
  const [isChosenHere, setChosenHere] = useState(false);
  const choose = (next: string | undefined) => {
    chooseColumn(id, next);
    setChosenHere(true);
    setColumn(next);
  };
  return column === undefined ? (
    <Sample {...judged} takesFocus={isChosenHere} onColumn={choose} />
  ) : (
    <ColumnView {...judged} column={column} takesFocus={isChosenHere} onLeave={() => choose(undefined)} />
  );
}

function Sample({
  status,
  summary,
  scale,
  takesFocus,
  onColumn,
}: Judged & {
  /** True if the focus was on a control that this view has replaced. */
  takesFocus: boolean;
  onColumn: (column: string) => void;
}) {
  const { loaded, failure, reload, show } = useSample(status.id);
  const [isStartedHere, setStartedHere] = useState(false);
  const [notice, setNotice] = useState<string>();
  const reloadWith = (words: string) => {
    setNotice(words);
    reload();
  };

  if (failure !== undefined) return <ProblemBox failure={failure} retry={reload} />;
  if (loaded === undefined) return <Waiting what="the labels of the batch" />;
  const { sample } = loaded;
  return (
    <div class="stack">
      {notice !== undefined && (
        <p class="notice" role="status">
          {notice}
        </p>
      )}
      {sample === undefined ? (
        <StartBox
          isRunning={status.finishedAt === null}
          summary={summary}
          scale={scale}
          onStart={(started) => {
            setNotice(undefined);
            setStartedHere(true);
            show(started);
          }}
          onOther={() => reloadWith('Another sample was begun meanwhile. It is shown here.')}
          onColumn={onColumn}
        />
      ) : (
        <SampleView
          key={sample.sample}
          status={status}
          summary={summary}
          scale={scale}
          sample={sample}
          takesFocus={takesFocus || isStartedHere}
          onDeleted={() => {
            setNotice(undefined);
            show(undefined);
          }}
          onOther={reloadWith}
          onColumn={onColumn}
        />
      )}
    </div>
  );
}
