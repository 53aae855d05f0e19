import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { addressOf } from '../../shell/route.ts';
import { useSession } from '../../shell/session.tsx';
import { imageOf } from '../../ui/image-address.ts';
import * as numbers from '../../ui/numbers.ts';
import { ImagesSwitch, useImageDisplay } from '../../ui/pairs.tsx';
import { ProblemBox } from '../../ui/problem.tsx';
import { Waiting, WaitingNote } from '../../ui/waiting.tsx';
import { scoreIn } from '../explorer/cells.tsx';
import { justBelow } from './distribution.ts';
import { Strip } from './strip.tsx';
import type { Neighbours, ReadNeighbours } from './use-neighbours.ts';

/** The pairs just below and just above the threshold. */
export function AtTheLine({
  status,
  threshold,
  read: { neighbours, isReading, failure, retry },
}: {
  status: BatchStatus;
  threshold: number;
  read: ReadNeighbours;
}) {
  const images = useImageDisplay(useSession()?.tenant === status.tenant);
  const isOld = neighbours !== undefined && neighbours.threshold !== threshold;
  const what = `the pairs at ${numbers.threshold(threshold)}`;
  const listed = neighbours === undefined ? [] : [...neighbours.below, ...neighbours.above];
  return (
    <section class="card" aria-labelledby="at-the-line">
      <div class="heading">
        <h2 id="at-the-line">At the line</h2>
        <ImagesSwitch images={images} listed={listed.map((pair) => imageOf(status.id, pair))} />
      </div>
      {status.finishedAt === null && <p class="fine soft">While the batch runs, these pairs are read every 5 s.</p>}
      {failure !== undefined && <ProblemBox failure={failure} retry={retry} />}
      {isReading && neighbours !== undefined && <WaitingNote what={what} />}
      {neighbours !== undefined && (
        <div class={isOld ? 'strips old' : 'strips'} aria-busy={isOld && isReading}>
          <Strips status={status} neighbours={neighbours} images={images.shown} />
        </div>
      )}
      {isReading && neighbours === undefined && <Waiting what={what} />}
    </section>
  );
}

function Strips({
  status,
  neighbours: { threshold, below, above, passing, failing },
  images,
}: {
  status: BatchStatus;
  neighbours: Neighbours;
  images: boolean;
}) {
  const list = addressOf.batch(status.id, 'pairs');
  const at = numbers.threshold(threshold);
  return (
    <>
      <StripHeading
        words={`Just below ${at} (left out)`}
        count={failing}
        href={`${list}?sort=-score&max=${justBelow(threshold)}&threshold=${threshold}`}
      />
      <Strip status={status} threshold={threshold} pairs={byScore(below)} images={images} />
      <StripHeading
        words={`Just above ${at} (kept)`}
        count={passing}
        href={`${list}?sort=score&min=${threshold}&threshold=${threshold}`}
      />
      <Strip status={status} threshold={threshold} pairs={byScore(above)} images={images} />
    </>
  );
}

function StripHeading({
  words,
  count,
  href,
}: {
  words: string;
  /** Undefined if it is not known. */
  count: number | undefined;
  href: string;
}) {
  return (
    <div class="strip-heading">
      <h3>{words}</h3>
      {count !== 0 && (
        <a class="fine" href={href}>
          {count === undefined ? 'Show all' : `Show all ${numbers.count(count)}`}
        </a>
      )}
    </div>
  );
}

const byScore = (pairs: readonly ItemResult[]): ItemResult[] =>
  pairs.toSorted((a, b) => (scoreIn(a) ?? 0) - (scoreIn(b) ?? 0));
