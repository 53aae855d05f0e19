import { useEffect, useRef } from 'preact/hooks';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { codes } from '../../../shared/errors.ts';
import { Fact } from '../../ui/fact.tsx';
import { imageOf } from '../../ui/image-address.ts';
import { LongText } from '../../ui/long-text.tsx';
import { useModels } from '../../ui/model-select.tsx';
import * as numbers from '../../ui/numbers.ts';
import { bandOf, edgesOf, scaleOf } from '../../ui/scale.ts';
import { asSentence, capitalized, detailAfter } from '../../ui/sentence.ts';
import { Thumbnail } from '../../ui/thumbnail.tsx';
import { cellText } from './cell-text.ts';
import { NoText, nameOf, StateBadge } from './cells.tsx';
import { NeighboursByScore } from './neighbours.tsx';
import { ScoreAgain } from './score-again.tsx';
import { modelOf, scoreAgainWords, timingsWords } from './score-again-words.ts';

/** A dialog with all data about a pair. The arrow keys step through the list. */
export function PairDialog({
  status,
  result,
  images,
  onStep,
  onClose,
}: {
  status: BatchStatus;
  result: ItemResult;
  images: boolean;
  onStep: (step: 1 | -1) => void;
  onClose: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const image = imageOf(status.id, result);
  const { value: models } = useModels();
  const again = scoreAgainWords({ ...result, image }, status, models ?? []);
  return (
    <dialog
      ref={dialog}
      class="pair"
      aria-labelledby="pair-name"
      onClose={onClose}
      onClick={(event) => event.target === event.currentTarget && dialog.current?.close()}
      onKeyDown={(event) => {
        const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key] as 1 | -1 | undefined;
        if (step === undefined || /^(INPUT|SELECT|TEXTAREA)$/.test((event.target as Element).tagName)) return;
        event.preventDefault();
        onStep(step);
      }}
    >
      <div class="pair-inside stack">
        <div class="heading">
          <h2 id="pair-name" class="cut" dir="auto">
            {nameOf(result)}
          </h2>
          <div class="actions">
            <button type="button" onClick={() => onStep(-1)}>
              Previous
            </button>
            <button type="button" onClick={() => onStep(1)}>
              Next
            </button>
            <button type="button" onClick={() => dialog.current?.close()}>
              Close
            </button>
          </div>
        </div>
        <div class="pair-image">
          <Thumbnail image={image} path={result.imagePath} shown={images} />
        </div>
        {result.text?.trim() === '' ? (
          <p class="pair-caption">
            <NoText />
          </p>
        ) : (
          <LongText key={`caption ${result.index}`} class="pair-caption" text={result.text ?? ''} />
        )}
        <Outcome status={status} result={result} />
        {image !== null && again !== undefined && (
          <ScoreAgain
            key={result.index}
            batch={status}
            pair={result}
            models={models}
            image={image}
            text={result.text ?? ''}
            words={again}
          />
        )}
        <dl class="facts wide">
          {result.id !== undefined && (
            <Fact name="Id">
              <span dir="auto">{result.id}</span>
            </Fact>
          )}
          {Object.entries(result.metadata ?? {}).map(([name, value]) => (
            <Fact key={name} name={name}>
              <span dir="auto">{cellText(value) || '–'}</span>
            </Fact>
          ))}
          {typeof result.image === 'string' && (
            <Fact name="Image">
              <a href={result.image} target="_blank" rel="noreferrer noopener">
                {result.image}
              </a>
            </Fact>
          )}
          {result.imagePath !== undefined && (
            <Fact name="Image file">
              <span dir="ltr">{result.imagePath}</span>
            </Fact>
          )}
        </dl>
        {result.status === 'succeeded' && (
          <NeighboursByScore key={result.index} status={status} open={result} images={images} />
        )}
        <Receipt status={status} result={result} again={again} />
      </div>
    </dialog>
  );
}

function Outcome({ status, result }: { status: BatchStatus; result: ItemResult }) {
  if (result.status === 'succeeded') {
    const { score, cosine, probability, warnings = [] } = result;
    const scale = scaleOf(modelOf(status, result));
    const band = bandOf(scale, score);
    return (
      <div>
        <p>
          <span class="score-value">{numbers.scoreBetween(score, edgesOf(scale))}</span>{' '}
          <span class="soft">
            cosine {numbers.cosine(cosine)}
            {probability !== undefined && `, probability ${numbers.percent(probability)}`}
          </span>
        </p>
        {band !== undefined && (
          <p class="fine soft">
            <strong>{band.word}</strong>: {band.meaning}
          </p>
        )}
        {warnings.map((warning) => (
          <p key={warning} class="notice">
            {capitalized(asSentence(warning))}
          </p>
        ))}
      </div>
    );
  }
  if (result.status !== 'failed') return <StateBadge result={result} />;
  const { code, message, retryable } = result.error;
  return (
    <div class="problem">
      <p>
        <strong>{codes[code].title}.</strong> {detailAfter(codes[code].title, message)}
      </p>
      <p class="fine">
        <code>{code}</code>, {retryable ? 'may succeed on retry' : 'will fail again'}
      </p>
    </div>
  );
}

function Receipt({ status, result, again }: { status: BatchStatus; result: ItemResult; again: string | undefined }) {
  const model = modelOf(status, result);
  return (
    <section aria-labelledby="pair-receipt">
      <h3 id="pair-receipt">Receipt</h3>
      <dl class="facts wide">
        <Fact name="Model">{model}</Fact>
        {model === status.model && <Fact name="Revision">{status.revision}</Fact>}
        <Fact name="Precision">{status.precision}</Fact>
        <Fact name="Preprocessing">{status.preprocess}</Fact>
        <Fact name="Text cleaning">{status.textCleaning}</Fact>
        <Fact name="Item">{numbers.count(result.index)}</Fact>
      </dl>
      <p class="fine soft">{timingsWords(again)}</p>
    </section>
  );
}
