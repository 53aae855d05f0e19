import { useState } from 'preact/hooks';
import type { BatchSummary, Extreme } from '../../shared/contracts/batch.ts';
import * as numbers from '../ui/numbers.ts';

const shownFirst = 6;
const picturesKey = 'pictures';

/** The pairs at both ends, to see what the scores mean in this batch. */
export function ExtremesBox({ summary }: { summary: BatchSummary }) {
  const [pictures, setPictures] = useState(() => localStorage.getItem(picturesKey) !== 'off');
  const [all, setAll] = useState(false);
  const most = Math.max(summary.lowest.length, summary.highest.length);
  if (most === 0) return null;
  return (
    <section class="card" aria-labelledby="extremes">
      <div class="heading">
        <h2 id="extremes">Both ends</h2>
        <label class="check">
          <input
            type="checkbox"
            checked={pictures}
            onChange={(event) => {
              setPictures(event.currentTarget.checked);
              localStorage.setItem(picturesKey, event.currentTarget.checked ? 'on' : 'off');
            }}
          />
          Pictures, straight from their hosts
        </label>
      </div>
      <div class="two">
        <Pairs name="Lowest" pairs={summary.lowest} shown={all ? most : shownFirst} pictures={pictures} />
        <Pairs name="Highest" pairs={summary.highest} shown={all ? most : shownFirst} pictures={pictures} />
      </div>
      {most > shownFirst && (
        <button type="button" class="link" onClick={() => setAll(!all)} aria-expanded={all}>
          {all ? 'Show fewer' : `Show ${most} of each`}
        </button>
      )}
    </section>
  );
}

function Pairs({ name, pairs, shown, pictures }: { name: string; pairs: Extreme[]; shown: number; pictures: boolean }) {
  return (
    <div>
      <h3>{name}</h3>
      <ol class="pairs">
        {pairs.slice(0, shown).map((pair) => (
          <li key={pair.index}>
            <Thumbnail key={String(pictures)} pair={pair} pictures={pictures} />
            <div>
              <p class="pair-text">{pair.text}</p>
              <p class="fine soft">
                {pair.id === undefined ? `item ${numbers.count(pair.index)}` : pair.id}
                {pair.score === 0 && `, cosine ${pair.cosine.toFixed(3)}`}
              </p>
            </div>
            <span class="pair-score num">{numbers.score(pair.score)}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}

function Thumbnail({ pair, pictures }: { pair: Extreme; pictures: boolean }) {
  const [broken, setBroken] = useState(false);
  if (pair.image === null) return <span class="thumb none">inline</span>;
  return (
    <a class="thumb" href={pair.image} target="_blank" rel="noreferrer noopener" aria-label="Open the image">
      {pictures && !broken ? (
        <img
          src={pair.image}
          alt=""
          loading="lazy"
          decoding="async"
          referrerpolicy="no-referrer"
          onError={() => setBroken(true)}
        />
      ) : (
        <span class="none">{broken ? 'no picture' : 'open'}</span>
      )}
    </a>
  );
}
