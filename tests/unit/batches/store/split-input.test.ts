import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeInput, encodeInput, type StoredItem } from '../../../../batches/store/payload.ts';
import { splitInput } from '../../../../batches/store/split-input.ts';

async function expectSplit(items: StoredItem[], offset: number, exact?: boolean): Promise<void> {
  const payload = encodeInput({ offset, items, exact });
  const split = await splitInput(payload);
  expect([split.offset, split.count]).toEqual([offset, items.length]);
  const inexact = decodeInput(encodeInput({ offset, items }));
  expect(items.map((_, at) => split.item(at))).toEqual(inexact.items);
  expect(split.item(items.length)).toBeUndefined();
}

test('splits a chunk at its items, whatever their texts and metadata have', async () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[\\"{}[\],: a]{0,80}$/));
  const item = fc.record({ image: text, text, metadata: fc.dictionary(text, fc.jsonValue()) });
  await fc.assert(
    fc.asyncProperty(fc.array(item, { maxLength: 5 }), fc.nat(), fc.boolean(), (items, offset, exact) =>
      expectSplit(items, offset, exact || undefined),
    ),
  );
});

test.each([0, 1, 2, 3])('finds the end of a long text with %d backslashes before a quote', async (count) => {
  const long = `${'a'.repeat(100)}${'\\'.repeat(count)}`;
  await expectSplit(
    [long, `${long}"`, `${long}"},{"`].map((image) => ({ image, text: 'a cup' })),
    4,
  );
});

test('refuses a chunk of a newer release', async () => {
  const payload = deflateRawSync(JSON.stringify({ v: 99, offset: 0, items: [] }));
  await expect(splitInput(payload)).rejects.toThrow('This release cannot read payload version 99');
});
