import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { readItems } from '../../../formats/index.ts';
import type { ReadItem } from '../../../formats/items.ts';
import { createPendingText } from '../../../formats/pending.ts';
import { createPendingBudget, releasing } from '../../../formats/pending-budget.ts';
import type { FairBytes } from '../../../shared/fair-bytes.ts';
import type { FormatName } from '../../../shared/formats.ts';

const MiB = 1024 * 1024;
const columns = { image: 'image', text: 'text', id: 'id' };
const part = Buffer.alloc(64 * 1024, 'a');

test('text of one byte a character counts once, and other text twice', () => {
  const pending = createPendingText();
  pending.add('aé');
  expect([pending.length, pending.bytes]).toEqual([2, 2]);
  pending.add('a→');
  expect([pending.length, pending.bytes]).toEqual([4, 8]);
  expect(pending.take()).toBe('aéa→');
  pending.add('a');
  expect(pending.bytes).toBe(1);
});

/** Starts of incomplete lines, rows and items. */
const starts: Record<string, [FormatName, string, string]> = {
  'lines of NDJSON': ['ndjson', '{"image": "x", "text": "', '"}\n'],
  'rows of CSV': ['csv', 'image,text\nx,"', '"\n'],
  'cells of TSV': ['tsv', 'image\ttext\nx\t', '\n'],
  'items of a JSON array': ['json', '[{"image": "x", "text": "', '"}]'],
};

/** An upload whose line is long. */
interface Upload {
  /** Bytes of the line that the reader has taken, until the upload ends. */
  taken: () => number;
  done: Promise<number | Error>;
}

function upload(
  budget: FairBytes,
  owner: string,
  [format, start, end]: [FormatName, string, string],
  bytes: number,
): Upload {
  let taken = 0;
  let isDone = false;
  async function* sent() {
    yield Buffer.from(start);
    for (; taken < bytes; taken += part.length) {
      await nextTurn();
      yield part;
    }
    yield Buffer.from(end);
  }
  const pending = budget.hold(owner);
  const file = readItems(format, sent(), { columns, strictness: 'lenient', pending });
  const read = async () => {
    const items: ReadItem[] = [];
    for await (const some of releasing(file.items, pending.release)) items.push(...some);
    return items.length;
  };
  const done = read()
    .catch((error: Error) => error)
    .finally(() => {
      isDone = true;
    });
  return { taken: () => (isDone ? 0 : taken), done };
}

describe.each(Object.entries(starts))('many uploads of half %s', (_, start) => {
  test('stay within the budget, are refused in time, and another owner finishes meanwhile', async () => {
    const budget = createPendingBudget(8 * MiB, 3 * MiB, 200);
    const hostile = Array.from({ length: 40 }, (_, at) => upload(budget, `hostile ${at % 4}`, start, 24 * MiB));
    // One unit of each upload is for nothing; a reader has one more part.
    const most = 16 * MiB + hostile.length * (MiB + 2 * part.length);
    let highest = 0;
    const watch = setInterval(() => {
      highest = Math.max(
        highest,
        hostile.reduce((sum, { taken }) => sum + taken(), 0),
      );
    }, 5);
    const ordinary = upload(budget, 'ordinary', start, 2 * MiB);
    expect(await ordinary.done).toBe(1);
    const ends = await Promise.all(hostile.map(({ done }) => done));
    clearInterval(watch);
    expect(highest).toBeLessThan(most);
    expect(budget.total()).toBe(0);
    expect(
      ends.some(
        (end) => end instanceof Error && end.message.includes('of memory for uploads with very long lines are full'),
      ),
    ).toBe(true);
  });
});

test('an upload holds the bytes of its line until its item has been taken over', async () => {
  const budget = createPendingBudget(8 * MiB, 3 * MiB);
  const pending = budget.hold('a');
  async function* sent() {
    yield Buffer.from(`{"image": "x", "text": "${'a'.repeat(4 * MiB)}`);
    yield Buffer.from('"}\n{"image"');
    yield Buffer.from(': "y"');
  }
  const { items } = readItems('ndjson', sent(), { columns, strictness: 'lenient', pending });
  expect(await items.next()).toMatchObject({ value: [] });
  expect((await items.next()).value).toHaveLength(1);
  expect(budget.total()).toBe(4 * MiB);
  expect(await items.next()).toMatchObject({ value: [] });
  expect(budget.total()).toBe(0);
});
