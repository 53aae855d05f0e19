import { formulaCells } from '../../../formats/delimited/writer.ts';
import type { Extreme } from '../../../shared/contracts/batch/summary.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { excerpt } from '../../../shared/errors.ts';
import { binOf } from '../../store/histogram.ts';
import { addressOf, hasStoredImage } from '../../store/item-address.ts';
import type { InputChunk, StoredItem } from '../../store/payload.ts';

/** The number of items with the lowest cosines that a batch stores, and as many with the highest. */
export const extremesStored = 50;

/**
 * A cosine can be among the lowest of the batch only below `lowestBelow`, and among the highest only above
 * `highestAbove`.
 */
export interface Edges {
  lowestBelow: number;
  highestAbove: number;
}

/** Limits that exclude no item. */
export const noEdges: Edges = { lowestBelow: 2, highestAbove: -2 };

/** The counts and sums of one chunk, which steps/commit.lua adds to those of the batch. */
export interface Tally {
  succeeded: number;
  failed: number;
  codes: Record<string, number>;
  /** The number of items in each bin of the cosine histogram. */
  bins: Record<string, number>;
  cosineSum: number;
  scoreSum: number;
  lowest: [cosine: number, item: string][];
  highest: [cosine: number, item: string][];
  /** A few failed items for the event stream. */
  samples: { index: number; id?: string; code: string; message: string }[];
  /**
   * CSV cells that the option `formulas=escape` changes, by the status of the item; absent if there are none. `common`:
   * in columns of every results CSV. `own`: in columns of the posted table.
   */
  formulas?: Record<'succeeded' | 'failed', { common: number; own: number }>;
}

const samplesPerChunk = 5;
/**
 * The maximum length of the samples of a chunk, in characters of JSON. Small, because an event stream holds a thousand
 * chunks.
 */
const samplesLength = 1_000;
/** In characters. The result of the item has the complete message. */
const sampleMessage = 200;

export function tallyOf(input: InputChunk, results: readonly ItemResult[], edges: Edges = noEdges): Tally {
  const tally: Tally = {
    succeeded: 0,
    failed: 0,
    codes: {},
    bins: {},
    cosineSum: 0,
    scoreSum: 0,
    lowest: [],
    highest: [],
    samples: [],
  };
  const increment = (counts: Record<string, number>, key: string) => {
    counts[key] = (counts[key] ?? 0) + 1;
  };
  let sampled = 0;
  for (const [at, result] of results.entries()) {
    countFormulas(tally, result, input.items[at]);
    if (result.status === 'failed') {
      const { code, message } = result.error;
      tally.failed++;
      increment(tally.codes, code);
      if (tally.samples.length < samplesPerChunk) {
        // The JSON parser of Lua refuses a lone half of a surrogate pair, which clients may send.
        const id = result.id?.toWellFormed();
        const short = excerpt(message.toWellFormed(), sampleMessage);
        const sample = { index: result.index, ...(id !== undefined && { id }), code, message: short };
        sampled += JSON.stringify(sample).length;
        if (sampled <= samplesLength) tally.samples.push(sample);
      }
    } else if (result.status === 'answered') tally.succeeded++;
    else if (result.status === 'succeeded') {
      const { cosine } = result;
      tally.succeeded++;
      tally.cosineSum += cosine;
      tally.scoreSum += result.score;
      increment(tally.bins, String(binOf(cosine)));
      const describe = () => JSON.stringify(extremeOf(result, input.items[at]));
      if (cosine < edges.lowestBelow) tally.lowest.push([cosine, describe()]);
      if (cosine > edges.highestAbove) tally.highest.push([cosine, describe()]);
    }
  }
  tally.lowest = tally.lowest.sort(([a], [b]) => a - b).slice(0, extremesStored);
  tally.highest = tally.highest.sort(([a], [b]) => b - a).slice(0, extremesStored);
  return tally;
}

function countFormulas(tally: Tally, result: ItemResult, item: StoredItem | undefined): void {
  const { common, own } = formulaCells(result, item);
  if (common + own === 0 || result.status === 'cancelled' || result.status === 'answered') return;
  tally.formulas ??= { succeeded: { common: 0, own: 0 }, failed: { common: 0, own: 0 } };
  tally.formulas[result.status].common += common;
  tally.formulas[result.status].own += own;
}

/** Returns what is needed to show an item with a low or high cosine without reading its chunk. */
function extremeOf(result: ItemResult & { status: 'succeeded' }, item: StoredItem | undefined): Extreme {
  const { index, id, cosine, score } = result;
  const text = item !== undefined && 'text' in item ? item.text.slice(0, 300) : '';
  return {
    index,
    ...(id !== undefined && { id }),
    ...{ cosine, score, text, image: addressOf(item) },
    ...(hasStoredImage(item) && { imageStored: true }),
  };
}
