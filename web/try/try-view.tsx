import { useEffect, useRef, useState } from 'preact/hooks';
import examplePhoto from '../../examples/photos/chelsea.jpg';
import { RequestFailed } from '../http/client.ts';
import { Copyable } from '../ui/copy.tsx';
import { ModelSelect, useModels } from '../ui/model-select.tsx';
import * as numbers from '../ui/numbers.ts';
import { ProblemBox } from '../ui/problem.tsx';
import { edgesOf, scaleOf } from '../ui/scale.ts';
import { ImagePicker } from './image-picker.tsx';
import { ReceiptBox, TimingsBox } from './receipt.tsx';
import { ScaleNote, ScoreList } from './score-list.tsx';
import { curlOf, type PickedImage, type ScoreRequest, type ScoreResult, scoreTexts } from './scoring.ts';
import { WaitingForScore } from './waiting-for-score.tsx';

const exampleTexts = 'a cat looking at the camera\na cup of coffee\na rocket at night';

type Outcome =
  | { request: ScoreRequest; result: ScoreResult }
  | { failure: RequestFailed }
  | { missing: 'image' | 'texts' };

export function TryView() {
  const { value: models } = useModels();
  const [image, setImage] = useState<PickedImage>();
  const [texts, setTexts] = useState('');
  const [model, setModel] = useState('');
  const [busy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome>();
  const running = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => running.current?.abort(), []);

  async function score(picked: PickedImage | undefined, written: string): Promise<void> {
    const lines = written
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
    if (picked === undefined) return setOutcome({ missing: 'image' });
    if (lines.length === 0) return setOutcome({ missing: 'texts' });
    const request: ScoreRequest = { image: picked, texts: lines, model };
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    const { signal } = controller;
    setBusy(true);
    try {
      const result = await scoreTexts(request, signal);
      setOutcome({ request, result });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof RequestFailed)) throw error;
      setOutcome({ failure: error });
    }
    setBusy(false);
  }

  async function tryExample(): Promise<void> {
    const bytes = await (await fetch(examplePhoto)).blob();
    const picked = { file: new File([bytes], 'chelsea.jpg', { type: 'image/jpeg' }) };
    setImage(picked);
    setTexts(exampleTexts);
    await score(picked, exampleTexts);
  }

  return (
    <>
      <h1>How well does a text describe an image?</h1>
      <p class="lead">
        Drop an image, write captions, and see how well each one fits.{' '}
        <button type="button" class="link" onClick={() => void tryExample()}>
          Try an example
        </button>
      </p>
      <div class="try">
        <form
          class="card stack"
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            void score(image, texts);
          }}
        >
          <ImagePicker picked={image} onPick={setImage} />
          <div class="field">
            <label for="texts">Captions, one per line</label>
            <textarea
              id="texts"
              dir="auto"
              rows={4}
              value={texts}
              placeholder="a cat looking at the camera"
              onInput={(event) => setTexts(event.currentTarget.value)}
              onKeyDown={(event) => {
                if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void score(image, texts);
              }}
            />
          </div>
          <ModelSelect models={models} value={model} onChange={setModel} />
          <button type="submit" class="primary" disabled={busy}>
            {busy ? 'Scoring…' : 'Score'}
          </button>
        </form>
        <div class="outcome">
          <p class="visually-hidden" role="status">
            {statusOf(outcome, busy)}
          </p>
          {busy && <WaitingForScore name={model} isAddress={image !== undefined && 'url' in image} />}
          <OutcomeBox
            outcome={outcome}
            logitScales={
              new Map(models?.flatMap(({ model, logitScale }) => (logitScale === null ? [] : [[model, logitScale]])))
            }
          />
        </div>
      </div>
    </>
  );
}

function statusOf(outcome: Outcome | undefined, busy: boolean): string {
  if (busy) return 'Scoring';
  if (outcome === undefined || !('result' in outcome)) return '';
  const best = outcome.result.results.toSorted((a, b) => b.score - a.score)[0];
  if (best === undefined) return '';
  const shown = numbers.scoreBetween(best.score, edgesOf(scaleOf(outcome.result.receipt.model)));
  return `Highest: ${shown} for ${best.text}`;
}

function OutcomeBox({
  outcome,
  logitScales,
}: {
  outcome: Outcome | undefined;
  logitScales: ReadonlyMap<string, number>;
}) {
  if (outcome === undefined) {
    return (
      <div class="empty">
        <p>The scores appear here.</p>
        <p class="soft">
          For more than a few pairs, post a <a href="#/batches/new">batch</a>.
        </p>
      </div>
    );
  }
  if ('missing' in outcome) {
    return (
      <p class="problem" role="alert">
        {outcome.missing === 'image' ? 'Choose an image or enter its URL.' : 'Write at least one caption.'}
      </p>
    );
  }
  if ('failure' in outcome) return <ProblemBox failure={outcome.failure} />;
  const { request, result } = outcome;
  const scale = scaleOf(result.receipt.model);
  return (
    <div class="stack">
      <section class="card" aria-labelledby="scores">
        <h2 id="scores">Scores</h2>
        <ScoreList results={result.results} scale={scale} logitScale={logitScales.get(result.receipt.model)} />
        <ScaleNote scale={scale} />
      </section>
      <div class="card two">
        <TimingsBox timings={result.timings} />
        <ReceiptBox receipt={result.receipt} />
      </div>
      <section class="card" aria-labelledby="curl">
        <h2 id="curl">Request with curl</h2>
        <Copyable label="curl command" text={curlOf(request)} />
      </section>
    </div>
  );
}
