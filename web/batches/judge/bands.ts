import { countPassing, type Histogram, thresholdFor } from '../workbench/distribution.ts';

/** A range of scores (a band) from which a sample of pairs is taken. */
export interface SampledBand {
  from: number;
  to: number;
  /** The number of pairs to judge. */
  wanted: number;
}

/** The upper edge of the highest band, above every score. */
const top = 1_000;
/** The width of a band next to the threshold, as a share of the pairs of the batch. */
const nearby = 0.05;
const nearbyPairs = 15;
const farPairs = 10;

/** Returns the ranges of scores (bands) to sample. Bands near the threshold are narrow and get most of the pairs. */
export function bandsAround(histogram: Histogram, threshold: number): SampledBand[] {
  const total = histogram.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return [];
  const share = countPassing(histogram, threshold).count / total;
  const at = (rank: number) => (rank <= 0 ? top : rank >= 1 ? 0 : thresholdFor(histogram, rank));
  const below = [share + (1 - share) / 2 + nearby, share + 2 * nearby, share + nearby].map(at);
  const above = [share - nearby, share - 2 * nearby, share / 2 - nearby].map(at);
  const bands: SampledBand[] = [];
  let from = 0;
  for (const [number, to] of [...below, threshold, ...above, top].entries()) {
    if (to <= from) continue;
    bands.push({ from, to, wanted: number >= 2 && number <= 5 ? nearbyPairs : farPairs });
    from = to;
  }
  return bands;
}
