import * as numbers from '../ui/numbers.ts';
import { bandOf, edgesOf, type Scale } from '../ui/scale.ts';
import { probabilitiesOf } from './probabilities.ts';
import type { ScoreResult } from './scoring.ts';

export function ScoreList({
  results,
  scale,
  logitScale,
}: {
  results: ScoreResult['results'];
  scale: Scale;
  logitScale: number | undefined;
}) {
  const shares = probabilitiesOf(results, logitScale);
  const lines = results
    .map((result, at) => ({ ...result, share: shares[at], at }))
    .toSorted((a, b) => b.cosine - a.cosine);
  const top = Math.max(scale.top, ...results.map(({ score }) => score));
  return (
    <ol class="scores">
      {lines.map(({ text, score, cosine, share, at }, rank) => {
        const band = bandOf(scale, score);
        return (
          <li key={at} class={rank === 0 && lines.length > 1 ? 'best' : undefined}>
            <p class="score-text" dir="auto">
              {text}
            </p>
            <p class="score-value">{numbers.scoreBetween(score, edgesOf(scale))}</p>
            <ScoreBar score={score} top={top} scale={scale} />
            <p class="score-words">
              {band !== undefined && (
                <>
                  <strong>{band.word}</strong>: {band.meaning}.{' '}
                </>
              )}
              {cosine < 0 && 'The cosine is negative, which counts as 0. '}
              {share !== undefined && (
                <span class="nowrap">
                  {share.of === 'pair'
                    ? `${numbers.percent(share.value)} probability that it describes the image.`
                    : `${numbers.percent(share.value)} probability among these ${lines.length} captions.`}
                </span>
              )}
            </p>
          </li>
        );
      })}
    </ol>
  );
}

function ScoreBar({ score, top, scale }: { score: number; top: number; scale: Scale }) {
  return (
    <div class="score-bar" aria-hidden="true">
      <span class="fill" style={{ width: `${(score / top) * 100}%` }} />
      {scale.bands.slice(1).map(({ from, word }) => (
        <span key={from} class="tick" style={{ left: `${(from / top) * 100}%` }} title={`${word} from ${from}`} />
      ))}
    </div>
  );
}

export function ScaleNote({ scale }: { scale: Scale }) {
  return (
    <details class="scale-note">
      <summary>About the scores</summary>
      {scale.bands.length > 0 && (
        <dl class="facts">
          {scale.bands.map(({ from, word, meaning }, at) => (
            <div key={word}>
              <dt>
                {from}
                {scale.bands[at + 1] === undefined ? ' and more' : ` to ${scale.bands[at + 1]?.from}`}
              </dt>
              <dd>
                <strong>{word}</strong>: {meaning}
              </dd>
            </div>
          ))}
        </dl>
      )}
      <p>{scale.note}</p>
      <p class="soft">
        Scores of different models cannot be compared. With most models, the percentage is the probability of each
        caption if exactly one of these captions is right. SigLIP models judge each caption by itself.
      </p>
    </details>
  );
}
