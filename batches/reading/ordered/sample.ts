import type { Range } from './conditions.ts';
import type { MeetsRule } from './rule.ts';
import type { Segment } from './segments.ts';

/**
 * Draws a random sample of the items whose entry is in a range: those with the lowest hashes of seed and index. The same
 * seed selects the same items on every page.
 */
export async function drawSample(
  segments: AsyncIterable<Segment>,
  { from, to }: Range,
  count: number,
  seed: number,
): Promise<MeetsRule> {
  let drawn: { index: number; hash: number }[] = [];
  let limit = Number.POSITIVE_INFINITY;
  for await (const { first, entries } of segments) {
    for (let at = 0; at < entries.length; at++) {
      const entry = entries[at] ?? 0;
      if (entry < from || entry > to) continue;
      const hash = hashOf(seed, first + at);
      if (hash >= limit) continue;
      drawn.push({ index: first + at, hash });
      if (drawn.length < 4 * count) continue;
      drawn = lowest(drawn, count);
      limit = drawn.at(-1)?.hash ?? limit;
    }
  }
  const chosen = new Set(lowest(drawn, count).map(({ index }) => index));
  return (index) => chosen.has(index);
}

const lowest = <Item extends { hash: number }>(items: Item[], count: number): Item[] =>
  items.sort((a, b) => a.hash - b.hash).slice(0, count);

/** The mixing steps of MurmurHash3: https://github.com/aappleby/smhasher/wiki/MurmurHash3 */
function hashOf(seed: number, index: number): number {
  return mixed(index ^ mixed(seed + 0x9e3779b9));
}

function mixed(value: number): number {
  let hash = value >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
