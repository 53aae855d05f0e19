import { useEffect, useRef, useState } from 'preact/hooks';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import type { ModelInfo } from '../../../shared/contracts/models.ts';
import { apiUrl, fetchAsset, RequestFailed } from '../../http/client.ts';
import { TimingsBox } from '../../try/receipt.tsx';
import type { PickedImage } from '../../try/request.ts';
import { type ScoreResult, scoreTexts } from '../../try/scoring.ts';
import { isStored } from '../../ui/image-address.ts';
import { ModelSelect } from '../../ui/model-select.tsx';
import * as numbers from '../../ui/numbers.ts';
import { ProblemBox } from '../../ui/problem.tsx';
import { modelToScoreAgain } from './score-again-words.ts';

export function ScoreAgain({
  batch,
  pair,
  models,
  image,
  text,
  words,
}: {
  batch: BatchStatus;
  pair: ItemResult;
  models: ModelInfo[] | undefined;
  image: string;
  text: string;
  words: string;
}) {
  const [chosen, setChosen] = useState<string>();
  const model = chosen ?? modelToScoreAgain(batch, pair, models ?? []);
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState<ScoreResult>();
  const [failure, setFailure] = useState<RequestFailed>();
  const gone = useRef(new AbortController());
  useEffect(() => () => gone.current.abort(), []);

  async function score(): Promise<void> {
    setBusy(true);
    setFailure(undefined);
    try {
      setResult(await scoreTexts({ image: await pickedFrom(image), texts: [text], model }, gone.current.signal));
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
          <ModelSelect models={models} value={model} onChange={setChosen} />
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

/** The service does not download its own addresses, so a stored image is posted as a file. */
async function pickedFrom(image: string): Promise<PickedImage> {
  if (!isStored(image)) return { url: image };
  const bytes = await fetchAsset(apiUrl(image));
  return { file: new File([bytes], 'image', { type: bytes.type }) };
}
