import { useState } from 'preact/hooks';
import type { Comparison } from '../../../shared/contracts/traffic.ts';
import { Fact } from '../../ui/fact.tsx';
import * as numbers from '../../ui/numbers.ts';
import { type ImageDisplay, ImagesSwitch, PairList } from '../../ui/pairs.tsx';
import { correlation, points, shownPair, signed } from './words.ts';

const shownFirst = 6;

export function ComparisonBox({
  profile,
  comparison,
  images,
}: {
  profile: string;
  comparison: Comparison;
  images: ImageDisplay;
}) {
  const { kind, candidate, reference, pairs, failed, worst } = comparison;
  const [all, setAll] = useState(false);
  return (
    <div class="card">
      <div class="heading">
        <h3>
          {kind === 'shadow' ? 'Shadow' : 'Comparison'}: {candidate} compared with {reference}
        </h3>
        {worst.length > 0 && <ImagesSwitch images={images} listed={worst.map(({ image }) => image)} />}
      </div>
      {pairs + failed === 0 ? (
        <p class="soft">No item has been scored by both models yet.</p>
      ) : (
        <dl class="facts wide">
          <Fact name="Scored by both">
            {numbers.counted(pairs, 'item')}
            {failed > 0 && `; ${candidate} failed on ${numbers.count(failed)} more`}
          </Fact>
          {comparison.comparedBy === 'ranks' ? (
            <Fact name="Scores">not compared: models of different families have different scales</Fact>
          ) : (
            <>
              <Fact name="Mean difference">
                {signed(comparison.meanDifference)} points
                <span class="soft">
                  , {candidate} minus {reference}
                </span>
              </Fact>
              <Fact name="Mean absolute difference">{points(comparison.meanAbsoluteDifference)} points</Fact>
              <Fact name="Largest absolute difference">{points(comparison.maxAbsoluteDifference)} points</Fact>
            </>
          )}
          <Fact name="Rank correlation">{correlation(comparison.rankCorrelation)}</Fact>
        </dl>
      )}
      {worst.length > 0 && (
        <>
          <h4>Largest differences</h4>
          <section class="columns" aria-label={`Pairs of ${profile} with the largest differences, ${kind}`}>
            <PairList
              pairs={worst.slice(0, all ? worst.length : shownFirst).map((pair, at) => shownPair(pair, at, comparison))}
              images={images.shown}
            />
          </section>
          {worst.length > shownFirst && (
            <button type="button" class="link" onClick={() => setAll(!all)} aria-expanded={all}>
              {all ? 'Show fewer' : `Show ${worst.length}`}
            </button>
          )}
        </>
      )}
    </div>
  );
}
