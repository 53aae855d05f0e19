import { useEffect, useRef, useState } from 'preact/hooks';
import { RequestFailed } from '../../http/client.ts';
import { TimingsBox } from '../../try/receipt.tsx';
import { type ScoreResult, scoreTexts } from '../../try/scoring.ts';
import { ModelSelect, useModels } from '../../ui/model-select.tsx';
import * as numbers from '../../ui/numbers.ts';
import { ProblemBox } from '../../ui/problem.tsx';

export function ScoreAgain({ image, text, words }: { image: string; text: string; words: string }) {
  const { value: models } = useModels();
  const [model, setModel] = useState('');
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState<ScoreResult>();
  const [failure, setFailure] = useState<RequestFailed>();
  const gone = useRef(new AbortController());
  useEffect(() => () => gone.current.abort(), []);

  async function score(): Promise<void> {
    setBusy(true);
    setFailure(undefined);
    try {
      setResult(await scoreTexts({ image: { url: image }, texts: [text], model }, gone.current.signal));
    } catch (error) {
      if (gone.current.signal.aborted) return;
      if (!(error instanceof RequestFailed)) throw error;
      setFailure(error);
    }
    setBusy(false);
  }

  const [first] = result?.results ?? [];
  return (
    <details class="score-again">
      <summary>{words}</summary>
      <div class="stack">
        <div class="score-again-form">
          <ModelSelect models={models} value={model} onChange={setModel} />
          <button type="button" disabled={busy} onClick={() => void score()}>
            {busy ? 'Scoring…' : 'Score'}
          </button>
        </div>
        {failure !== undefined && <ProblemBox failure={failure} />}
        {result !== undefined && first !== undefined && (
          <>
            <p role="status">
              <span class="score-value">{numbers.score(first.score)}</span>{' '}
              <span class="soft">
                with {result.receipt.model}, revision {result.receipt.revision}
              </span>
            </p>
            <TimingsBox timings={result.timings} />
          </>
        )}
      </div>
    </details>
  );
}
