import { useEffect, useRef, useState } from 'preact/hooks';
import examplePhoto from '../../examples/photos/chelsea.jpg';
import { fetchAsset, RequestFailed } from '../http/client.ts';
import { Copyable } from '../ui/copy.tsx';
import { ModelSelect, useModels } from '../ui/model-select.tsx';
import * as numbers from '../ui/numbers.ts';
import { ProblemBox } from '../ui/problem.tsx';
import { edgesOf, scaleOf } from '../ui/scale.ts';
import { WaitingNote } from '../ui/waiting.tsx';
import { imageFault } from './image-fault.ts';
import { ImagePicker } from './image-picker.tsx';
import { ReceiptBox, TimingsBox } from './receipt.tsx';
import { captionsOf, isSameRequest, type PickedImage, type ScoreRequest } from './request.ts';
import { ScaleNote, ScoreList } from './score-list.tsx';
import { curlOf, type ScoreResult, scoreTexts } from './scoring.ts';
import { WaitingForScore } from './waiting-for-score.tsx';

const exampleTexts = 'a cat looking at the camera\na cup of coffee\na rocket at night';

type Outcome =
  | { request: ScoreRequest; result: ScoreResult }
  | { failure: RequestFailed }
  | { missing: 'image' | 'texts' }
  | { notImage: { name: string; fault: string } };

export function TryView() {
  const { value: models } = useModels();
  const [image, setImage] = useState<PickedImage>();
  const [texts, setTexts] = useState('');
  const [model, setModel] = useState('');
  /** The content that the view waits for. */
  const [awaited, setAwaited] = useState<'photo' | 'score'>();
  const busy = awaited !== undefined;
  const [outcome, setOutcome] = useState<Outcome>();
  const running = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  const picks = useRef(0);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (outcome === undefined || (box.current?.getBoundingClientRect().top ?? 0) < innerHeight / 2) return;
    const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
    box.current?.scrollIntoView({ behavior: isStill ? 'auto' : 'smooth' });
  }, [outcome]);

  /** Removes a message about the previous input. Scores stay, with a note that they are old. */
  const forgetFault = () => setOutcome((known) => (known !== undefined && 'result' in known ? known : undefined));

  async function pick(picked: PickedImage | undefined): Promise<void> {
    const own = ++picks.current;
    const fault = picked !== undefined && 'file' in picked ? await imageFault(picked.file) : undefined;
    if (own !== picks.current) return;
    if (fault === undefined || picked === undefined || !('file' in picked)) {
      setImage(picked);
      return forgetFault();
    }
    running.current?.abort();
    setAwaited(undefined);
    setImage(undefined);
    setOutcome({ notImage: { name: picked.file.name, fault } });
  }

  /** Replaces the current request. */
  function begin(what: 'photo' | 'score'): AbortSignal {
    running.current?.abort();
    running.current = new AbortController();
    setAwaited(what);
    return running.current.signal;
  }

  async function score(picked: PickedImage | undefined, written: string): Promise<void> {
    const lines = captionsOf(written);
    if (picked === undefined) return setOutcome({ missing: 'image' });
    if (lines.length === 0) return setOutcome({ missing: 'texts' });
    const request: ScoreRequest = { image: picked, texts: lines, model };
    const signal = begin('score');
    try {
      const result = await scoreTexts(request, signal);
      setOutcome({ request, result });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof RequestFailed)) throw error;
      setOutcome({ failure: error });
    }
    setAwaited(undefined);
  }

  async function tryExample(): Promise<void> {
    const own = ++picks.current;
    const signal = begin('photo');
    let bytes: Blob;
    try {
      bytes = await fetchAsset(examplePhoto, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof RequestFailed)) throw error;
      setOutcome({ failure: error });
      return setAwaited(undefined);
    }
    if (signal.aborted) return;
    if (own !== picks.current) return setAwaited(undefined);
    const picked = { file: new File([bytes], 'chelsea.jpg', { type: 'image/jpeg' }) };
    setImage(picked);
    setTexts(exampleTexts);
    await score(picked, exampleTexts);
  }

  const isOld =
    outcome !== undefined &&
    'result' in outcome &&
    !isSameRequest(outcome.request, { image, texts: captionsOf(texts), model });
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
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
            event.preventDefault();
            void score(image, texts);
          }}
        >
          <ImagePicker picked={image} onPick={(picked) => void pick(picked)} />
          <div class="field">
            <label for="texts">Captions, one per line</label>
            <textarea
              id="texts"
              dir="auto"
              rows={4}
              value={texts}
              placeholder="a cat looking at the camera"
              onInput={(event) => {
                setTexts(event.currentTarget.value);
                forgetFault();
              }}
            />
          </div>
          <ModelSelect
            models={models}
            value={model}
            onChange={(chosen) => {
              setModel(chosen);
              forgetFault();
            }}
          />
          <button type="submit" class="primary" disabled={busy}>
            {busy ? 'Scoring…' : 'Score'}
          </button>
        </form>
        <div class="outcome" ref={box}>
          <p class="visually-hidden" role="status">
            {statusOf(outcome, busy)}
          </p>
          {awaited === 'photo' && <WaitingNote what="the example photo" />}
          {awaited === 'score' && <WaitingForScore name={model} isAddress={image !== undefined && 'url' in image} />}
          {!busy && isOld && (
            <p class="notice plain old-scores">
              These scores are old: the image, the captions or the model have changed. Press Score for new ones.
            </p>
          )}
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
  if ('notImage' in outcome) {
    return (
      <p class="problem" role="alert">
        <strong>
          <bdi>{outcome.notImage.name}</bdi> cannot be read as an image.
        </strong>{' '}
        {outcome.notImage.fault}. For a file of pairs, use <a href="#/batches/new">New batch</a>.
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
