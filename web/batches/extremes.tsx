import { useState } from 'preact/hooks';
import type { BatchSummary, Extreme } from '../../shared/contracts/batch/summary.ts';
import { useSession } from '../shell/session.tsx';
import * as numbers from '../ui/numbers.ts';
import { ImagesSwitch, PairList, useImageDisplay } from '../ui/pairs.tsx';
import { edgesOf, type Scale } from '../ui/scale.ts';
import type { ShownPair } from '../ui/shown-pair.ts';
import { useThreshold } from './workbench/use-threshold.ts';

const shownFirst = 6;

export function ExtremesBox({ summary, scale, tenant }: { summary: BatchSummary; scale: Scale; tenant: string }) {
  const [threshold] = useThreshold(scale);
  const images = useImageDisplay(useSession()?.tenant === tenant);
  const [all, setAll] = useState(false);
  const most = Math.max(summary.lowest.length, summary.highest.length);
  if (most === 0) return null;
  const shown = (pairs: Extreme[]) =>
    pairs.slice(0, all ? most : shownFirst).map((pair) => shownPair(pair, [...edgesOf(scale), threshold]));
  return (
    <section class="card" aria-labelledby="extremes">
      <div class="heading">
        <h2 id="extremes">Lowest and highest</h2>
        <ImagesSwitch images={images} listed={[...summary.lowest, ...summary.highest].map(({ image }) => image)} />
      </div>
      <div class="two">
        <div>
          <h3>Lowest</h3>
          <PairList pairs={shown(summary.lowest)} images={images.shown} />
        </div>
        <div>
          <h3>Highest</h3>
          <PairList pairs={shown(summary.highest)} images={images.shown} />
        </div>
      </div>
      {most > shownFirst && (
        <button type="button" class="link" onClick={() => setAll(!all)} aria-expanded={all}>
          {all ? 'Show fewer' : `Show ${most} of each`}
        </button>
      )}
    </section>
  );
}

function shownPair({ index, id, image, text, score, cosine }: Extreme, edges: readonly number[]): ShownPair {
  const name = id ?? `item ${numbers.count(index)}`;
  const note = score === 0 ? `${name}, cosine ${cosine.toFixed(3)}` : name;
  return { key: index, image, text, note, value: numbers.scoreBetween(score, edges) };
}
