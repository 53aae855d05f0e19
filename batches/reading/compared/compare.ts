import {
  type BatchComparison,
  type ComparisonQuery,
  type Disagreement,
  disagreementsShown,
} from '../../../shared/contracts/comparison.ts';
import { haveSameScale } from '../../../shared/same-scale.ts';
import { addressOf, hasStoredImage } from '../../store/item-address.ts';
import type { BatchRecord } from '../../store/record.ts';
import { millionthsOf } from '../../store/score-index.ts';
import { preparePair, readPairedSegments } from '../ordered/paired-segments.ts';
import type { Source } from '../read-chunks.ts';
import { Bins } from './bins.ts';
import { readItemsAt } from './items-at.ts';
import { Largest, type Pair } from './largest.ts';
import { CosineCounts, type Scale, toScore } from './scale.ts';

/** In characters. */
const textShown = 300;

/**
 * Compares the scores of two batches of the same items. It reads both score indexes twice, with memory that does not
 * depend on the size of the batches.
 * @throws {ServiceError} `request.invalid` when the batches have different numbers of items.
 */
export async function compareBatches(
  source: Source,
  batch: BatchRecord,
  other: BatchRecord,
  { threshold, otherThreshold, disagreements: most = disagreementsShown }: Omit<ComparisonQuery, 'other'>,
): Promise<BatchComparison> {
  await preparePair(source, batch, other);
  const [counts, otherCounts] = [new CosineCounts(), new CosineCounts()];
  let [reaching, reachingThere] = [0, 0];
  await eachPair(source, batch, other, (_, own, its) => {
    if (own === undefined || its === undefined) return;
    counts.add(own);
    otherCounts.add(its);
    if (threshold === undefined) return;
    if (toScore(own) >= threshold) reaching++;
    if (toScore(its) >= threshold) reachingThere++;
  });
  const { items } = counts;
  const [scale, otherScale] = [counts.toScale(), otherCounts.toScale()];
  const isSameScale = haveSameScale(batch, other);
  const isFollowed = isSameScale || reachingThere === reaching;
  const followed = isFollowed ? threshold : otherScale.scoreReachedBy(reaching);
  const lines =
    threshold === undefined ? undefined : { threshold, otherThreshold: otherThreshold ?? followed ?? threshold };

  const bins = new Bins(scale, otherScale);
  const [here, there] = [new Largest(most), new Largest(most)];
  const sums = { product: 0, square: 0, otherSquare: 0, difference: 0, absolute: 0 };
  const sides = { both: 0, onlyThis: 0, onlyOther: 0, neither: 0 };
  const middle = (items - 1) / 2;
  const reached = lines === undefined ? null : 0;
  const unmatched = { onlyThis: { items: 0, reaching: reached }, onlyOther: { items: 0, reaching: reached } };
  const countUnmatched = (of: keyof typeof unmatched, millionths: number, threshold: number | undefined) => {
    const counts = unmatched[of];
    counts.items++;
    if (counts.reaching !== null && threshold !== undefined && toScore(millionths) >= threshold) counts.reaching++;
  };
  await eachPair(source, batch, other, (index, own, its) => {
    if (its === undefined) return own === undefined ? undefined : countUnmatched('onlyThis', own, lines?.threshold);
    if (own === undefined) return countUnmatched('onlyOther', its, lines?.otherThreshold);
    const score = toScore(own);
    const otherScore = toScore(its);
    const rank = scale.rankOf(own) - middle;
    const otherRank = otherScale.rankOf(its) - middle;
    sums.product += rank * otherRank;
    sums.square += rank * rank;
    sums.otherSquare += otherRank * otherRank;
    sums.difference += score - otherScore;
    sums.absolute += Math.abs(score - otherScore);
    bins.add(score, otherScore);
    const difference = isSameScale ? Math.max(own, 0) - Math.max(its, 0) : rank - otherRank;
    here.add(difference, index, own, its);
    there.add(-difference, index, own, its);
    if (lines === undefined) return;
    const passes = score >= lines.threshold;
    const passesThere = otherScore >= lines.otherThreshold;
    sides[passes ? (passesThere ? 'both' : 'onlyThis') : passesThere ? 'onlyOther' : 'neither']++;
  });

  const mean = (sum: number) => (items === 0 ? null : Number((sum / items).toFixed(4)));
  const spread = Math.sqrt(sums.square * sums.otherSquare);
  const [higherHere, higherThere] = [here.pairs(), there.pairs()];
  const describe = await describer(source, { batch, other, scale, otherScale, items }, [...higherHere, ...higherThere]);
  return {
    id: batch.id,
    other: other.id,
    items: batch.total,
    compared: items,
    unmatched,
    rankCorrelation: items < 2 || spread === 0 ? null : Number((sums.product / spread).toFixed(6)),
    meanDifference: mean(sums.difference),
    meanAbsoluteDifference: mean(sums.absolute),
    sides: lines === undefined ? null : { ...lines, ...sides },
    bins: bins.read(),
    disagreements: { higherHere: higherHere.map(describe), higherThere: higherThere.map(describe) },
  };
}

/** Calls `take` for each item with both cosines in millionths; undefined for a batch in which it has no score. */
async function eachPair(
  source: Source,
  batch: BatchRecord,
  other: BatchRecord,
  take: (index: number, own: number | undefined, its: number | undefined) => void,
): Promise<void> {
  for await (const { first, entries, otherEntries } of readPairedSegments(source, batch, other)) {
    const count = Math.max(entries.length, otherEntries.length);
    for (let at = 0; at < count; at++) {
      take(first + at, millionthsOf(entries[at] ?? 0), millionthsOf(otherEntries[at] ?? 0));
    }
  }
}

interface Compared {
  batch: BatchRecord;
  other: BatchRecord;
  scale: Scale;
  otherScale: Scale;
  items: number;
}

/** Returns a function that describes an item with both scores. Reads the items of all `pairs` first. */
async function describer(
  source: Source,
  { batch, other, scale, otherScale, items }: Compared,
  pairs: readonly Pair[],
): Promise<(pair: Pair) => Disagreement> {
  const indexes = pairs.map(({ index }) => index);
  const [own, its] = await Promise.all([readItemsAt(source, batch, indexes), readItemsAt(source, other, indexes)]);
  const share = (rank: number) => Number((rank / Math.max(1, items - 1)).toFixed(6));
  return ({ index, own: cosine, its: otherCosine }) => {
    const item = own.get(index);
    const text = item?.text ?? '';
    const otherText = its.get(index)?.text ?? text;
    return {
      index,
      ...(item?.id !== undefined && { id: item.id }),
      text: text.slice(0, textShown),
      ...(otherText !== text && { otherText: otherText.slice(0, textShown) }),
      image: addressOf(item),
      ...(hasStoredImage(item) && { imageStored: true }),
      score: toScore(cosine),
      otherScore: toScore(otherCosine),
      rank: share(scale.rankOf(cosine)),
      otherRank: share(otherScale.rankOf(otherCosine)),
    };
  };
}
