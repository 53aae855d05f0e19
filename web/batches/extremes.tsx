import { useState } from 'preact/hooks';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import type { BatchSummary, Extreme } from '../../shared/contracts/batch/summary.ts';
import { usePolled } from '../http/use-polled.ts';
import { useSession } from '../shell/session.tsx';
import { imageOf } from '../ui/image-address.ts';
import * as numbers from '../ui/numbers.ts';
import { ImagesSwitch, PairList, useImageDisplay } from '../ui/pairs.tsx';
import { ProblemBox } from '../ui/problem.tsx';
import { edgesOf, type Scale } from '../ui/scale.ts';
import type { ShownPair } from '../ui/shown-pair.ts';
import { haveRepeated, readExtremes, withoutRepeated } from './distinct-extremes.ts';
import { pairReader } from './workbench/ranked.ts';
import { useThreshold } from './workbench/use-threshold.ts';

const shownFirst = 6;

export function ExtremesBox({ status, summary, scale }: { status: BatchStatus; summary: BatchSummary; scale: Scale }) {
  const [threshold] = useThreshold(scale);
  const images = useImageDisplay(useSession()?.tenant === status.tenant);
  const [all, setAll] = useState(false);
  const { lowest, highest, failure, reload } = useExtremes(status, summary);
  const most = Math.max(lowest.length, highest.length);
  if (most === 0) return null;
  const shown = (pairs: Extreme[]) =>
    pairs.slice(0, all ? most : shownFirst).map((pair) => shownPair(status.id, pair, [...edgesOf(scale), threshold]));
  return (
    <section class="card" aria-labelledby="extremes">
      <div class="heading">
        <h2 id="extremes">Lowest and highest</h2>
        <ImagesSwitch images={images} listed={[...lowest, ...highest].map((pair) => imageOf(status.id, pair))} />
      </div>
      {failure !== undefined && <ProblemBox failure={failure} retry={reload} />}
      <div class="two">
        <div>
          <h3>Lowest</h3>
          <PairList pairs={shown(lowest)} images={images.shown} />
        </div>
        <div>
          <h3>Highest</h3>
          <PairList pairs={shown(highest)} images={images.shown} />
        </div>
      </div>
      {most > shownFirst && (
        <button type="button" class="link" onClick={() => setAll(!all)} aria-expanded={all}>
          {all ? 'Show fewer' : lowest.length === highest.length ? `Show ${most} of each` : 'Show all'}
        </button>
      )}
    </section>
  );
}

/**
 * Returns the distinct pairs with the lowest and the highest scores. The summary also has repeated pairs: if it does, the
 * pairs of an ended batch are read again, and those of a running batch are fewer.
 */
function useExtremes({ id, finishedAt }: BatchStatus, summary: BatchSummary) {
  const isRead = finishedAt !== null && haveRepeated(summary);
  const { value, failure, reload } = usePolled(`${id} ${isRead}`, async (signal) =>
    isRead ? { id, ...(await readExtremes(pairReader(id, signal))) } : undefined,
  );
  const known = isRead && value?.id === id ? value : undefined;
  return {
    lowest: known?.lowest ?? withoutRepeated(summary.lowest),
    highest: known?.highest ?? withoutRepeated(summary.highest),
    failure,
    reload,
  };
}

function shownPair(batch: string, pair: Extreme, edges: readonly number[]): ShownPair {
  const { index, id, text, score, cosine } = pair;
  const name = id ?? `item ${numbers.count(index)}`;
  const note = score === 0 ? `${name}, cosine ${numbers.cosine(cosine)}` : name;
  return { key: index, image: imageOf(batch, pair), text, note, value: numbers.scoreBetween(score, edges) };
}
