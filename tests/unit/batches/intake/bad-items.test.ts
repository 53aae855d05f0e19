import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { boundBadItems } from '../../../../batches/intake/bad-items.ts';
import { readBody } from '../../../../formats/body.ts';
import { readItems } from '../../../../formats/index.ts';
import { type ItemStream, itemsOfList } from '../../../../formats/items.ts';

const options = { columns: { image: 'image', text: 'text', id: 'id' }, strictness: 'lenient' } as const;

const good = JSON.stringify({ image: 'https://example.org/1.jpg', text: 'a' });

async function count(items: ItemStream): Promise<{ items: number; fault?: string }> {
  let passed = 0;
  try {
    for await (const slice of items) passed += slice.length;
  } catch (error) {
    return { items: passed, fault: (error as Error).message };
  }
  return { items: passed };
}

/** As a socket brings it. */
function bodyOf(bytes: Buffer) {
  const parts = Array.from({ length: Math.ceil(bytes.length / 16_384) }, (_, at) =>
    bytes.subarray(16_384 * at, 16_384 * (at + 1)),
  );
  return readBody(Readable.from(parts, { objectMode: false }));
}
const readNdjson = (bytes: Buffer) => {
  const body = bodyOf(bytes);
  return count(boundBadItems(readItems('ndjson', body.bytes, options).items, body.sent));
};

test('a gzip of a kilobyte does not become half a million bad items', async () => {
  const attack = gzipSync(`${good}\n${'1\n'.repeat(500_000)}`);
  expect(attack.length).toBeLessThan(2_000);
  const { items, fault } = await readNdjson(attack);
  expect(fault).toMatch(/items cannot be read, too many for an upload of \d+ bytes\. line 2: /);
  expect(items).toBeLessThan(20_000);
});

test('an upload of nothing but bad lines ends early, and says what is wrong with the first', async () => {
  const { items, fault } = await readNdjson(Buffer.from('{"picture": "x.jpg", "caption": "a"}\n'.repeat(100_000)));
  expect(fault).toMatch(/^None of the first \d+ items can be read\. line 1: image: is missing/);
  expect(items).toBeLessThan(1_000);
});

test('CSV and JSON are bounded as NDJSON is', async () => {
  const body = bodyOf(gzipSync(`image,text\nx,a\n${'x,a,b\n'.repeat(200_000)}`));
  expect((await count(boundBadItems(readItems('csv', body.bytes, options).items, body.sent))).fault).toMatch(
    /too many/,
  );
  const list = itemsOfList([JSON.parse(good), ...Array(1_000_000).fill(1)], 'lenient');
  const listed = await count(boundBadItems(list, () => 2_000_000));
  expect(listed.fault).toMatch(/too many for an upload of 2000000 bytes/);
});

test('a file of which half is bad passes, gzip or not, and so do a thousand bad lines', async () => {
  const lines = Array.from({ length: 20_000 }, (_, at) =>
    at % 2 === 0 ? JSON.stringify({ ...JSON.parse(good), id: `item-${at}` }) : JSON.stringify({ id: `item-${at}` }),
  );
  const text = Buffer.from(lines.join('\n'));
  expect(await readNdjson(text)).toEqual({ items: 20_000 });
  expect(await readNdjson(gzipSync(text))).toEqual({ items: 20_000 });
  expect(await readNdjson(Buffer.from('nonsense\n'.repeat(999)))).toEqual({ items: 999 });
});

test('a batch may begin with a thousand images that its client could not read', async () => {
  const clientError = { code: 'image.file.not_found', message: 'There is no file' };
  const lines = `${JSON.stringify({ image: 'a.jpg', text: 'a', clientError })}\n`.repeat(2_000);
  expect(await readNdjson(Buffer.from(lines))).toEqual({ items: 2_000 });
});
