import { formulaCells } from '../../../formats/delimited/writer.ts';
import type { Extreme } from '../../../shared/contracts/batch/summary.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { excerpt } from '../../../shared/errors.ts';
import { binOf } from '../../store/histogram.ts';
import { addressOf } from '../../store/item-address.ts';
import type { InputChunk, StoredItem } from '../../store/payload.ts';

/**
 * The number of items that a batch stores as those with the lowest cosines. It stores as many with the highest cosines.
 */
export const extremesStored = 50;

/**
 * Limits for a first check whether an item can be among the items with the lowest or highest cosines of a batch. An
 * item can be among the lowest only if its cosine is below `lowestBelow`, and among the highest only if it is above
 * `highestAbove`.
 */
export interface Edges {
  lowestBelow: number;
  highestAbove: number;
}

/** Limits that exclude no item, for use until the batch has stored enough items. */
export const noEdges: Edges = { lowestBelow: 2, highestAbove: -2 };

/** The counts and sums of one chunk. steps/commit.lua adds them to those of the batch. */
export interface Tally {
  succeeded: number;
  failed: number;
  codes: Record<string, number>;
  /** The number of items in each bin of the histogram of cosines. */
  bins: Record<string, number>;
  cosineSum: number;
  scoreSum: number;
  lowest: [cosine: number, item: string][];
  highest: [cosine: number, item: string][];
  /** A few of the failed items. The event stream of the batch shows them. */
  samples: { index: number; id?: string; code: string; message: string }[];
  /**
   * The number of CSV cells that the option `formulas=escape` changes, by the status of the item; absent if there are
   * no such cells. `common` counts cells in the columns that every CSV of results has. `own` counts cells in the
   * columns of the posted table.
   */
  formulas?: Record<'succeeded' | 'failed', { common: number; own: number }>;
}

const samplesPerChunk = 5;
/**
 * The maximum total length of the failed items that a chunk adds to the event stream, in characters of JSON. It is
 * small because the event stream of a batch holds those of a thousand chunks.
 */
const samplesLength = 1_000;
/**
 * The maximum length of an error message in the event stream, in characters. The result of the item contains the
 * complete message.
 */
const sampleMessage = 200;

/** Counts the outcomes of a chunk, and sums its scores. */
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
        // Clients may send a lone half of a surrogate pair, which the JSON parser of Lua refuses. `toWellFormed`
        // replaces it.
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

/**
 * Returns the data of an item that can be among the items with the lowest or highest cosines of its batch. The data
 * suffice to show the item without reading its chunk.
 */
function extremeOf(result: ItemResult & { status: 'succeeded' }, item: StoredItem | undefined): Extreme {
  const { index, id, cosine, score } = result;
  const text = item !== undefined && 'text' in item ? item.text.slice(0, 300) : '';
  return { index, ...(id !== undefined && { id }), cosine, score, text, image: addressOf(item) };
}
