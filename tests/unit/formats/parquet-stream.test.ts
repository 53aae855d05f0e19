import { mkdtempSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ReadOptions } from '../../../formats/format.ts';
import { readItems } from '../../../formats/index.ts';
import type { ReadItem } from '../../../formats/items.ts';
import { itemsOfIsolated } from '../../../formats/parquet/isolated.ts';
import { openSpool } from '../../../formats/parquet/spool.ts';
import { subsetOfParquetStream } from '../../../formats/parquet/stream.ts';
import type { ServiceError } from '../../../shared/errors.ts';
import {
  dataPage,
  element,
  hostileParquet,
  pairsParquet,
  parquetBytes,
  plainText,
} from '../../support/parquet-bytes.ts';

/** A directory of this test's own: a process of another test that is killed may leave a file in the common one. */
const temporary = mkdtempSync(join(tmpdir(), 'vls-spool-'));
beforeEach(() => void vi.stubEnv('TMPDIR', temporary));
afterAll(() => rm(temporary, { recursive: true, force: true }));

const fixture = (name: string) => readFile(new URL(`../cli/fixtures/${name}`, import.meta.url));
const columns = { image: 'image', text: 'text', id: 'id' };

async function read(bytes: Buffer, options: Partial<ReadOptions> = {}) {
  const file = readItems('parquet', Readable.from([bytes]), { strictness: 'lenient', columns, ...options });
  const items: ReadItem[] = [];
  for await (const some of file.items) items.push(...some);
  return { items, header: file.header() };
}

const spooled = async () => (await readdir(temporary)).filter((name) => name.endsWith('.spool'));

describe('Parquet that arrives as a stream', () => {
  test('is read with its columns, types and large numbers, as the same file is', async () => {
    const { items, header } = await read(await fixture('links.parquet'), {
      columns: { image: 'url', text: 'caption', id: 'key' },
    });
    expect(header).toMatchObject({ names: ['key', 'url', 'caption', 'hash', 'day'], types: expect.any(Array) });
    expect(items).toHaveLength(10);
    expect(items[2]).toEqual({
      id: '2',
      image: 'https://images.example/2.jpg',
      text: 'caption 2',
      metadata: { hash: JSON.rawJSON('9007199254740995'), day: expect.stringMatching(/^2024-01-03/) },
    });
    expect(items[3]).toMatchObject({
      id: '3',
      error: { code: 'item.invalid', message: 'row 3: column caption is empty' },
    });
  });

  test('has images as bytes with their path', async () => {
    const { items } = await read(await fixture('images.parquet'));
    expect(items[0]).toMatchObject({ image: { base64: expect.stringMatching(/^iVBOR/), path: 'a.png' } });
    expect(items[1]).toMatchObject({ image: 'b.png', text: 'another' });
  });

  test('leaves no file, also when its reading is given up', async () => {
    const bytes = pairsParquet(
      Array.from({ length: 2_000 }, (_, at) => ({ image: `https://a.example/${at}`, text: 'x' })),
    );
    const file = readItems('parquet', Readable.from([bytes]), { strictness: 'lenient', columns });
    for await (const items of file.items) if (items.length > 0) break;
    expect(await spooled()).toEqual([]);
  });

  test('a bad row refuses the file when strict, with its place', async () => {
    const bytes = pairsParquet([
      { image: 'https://a.example/1', text: 'x' },
      { image: '', text: 'y' },
    ]);
    await expect(read(bytes, { strictness: 'strict' })).rejects.toMatchObject({
      code: 'request.invalid',
      faults: [{ path: 'row 1.image' }],
    });
  });

  test('an abort ends the process that reads', async () => {
    const stop = new AbortController();
    const bytes = pairsParquet(
      Array.from({ length: 50_000 }, (_, at) => ({ image: `https://a.example/${at}`, text: 'x' })),
    );
    const file = readItems('parquet', Readable.from([bytes]), { strictness: 'lenient', columns, signal: stop.signal });
    const reason = new Error('gone');
    const reading = (async () => {
      for await (const items of file.items) if (items.length > 0) stop.abort(reason);
    })();
    await expect(reading).rejects.toBe(reason);
  });
});

describe('a hostile file is refused, and its process alone ends', () => {
  test.each(Object.entries(hostileParquet()))('%s', async (_name, bytes) => {
    const before = process.memoryUsage().rss;
    const error = await read(bytes).then(
      ({ items }) => new Error(`${items.length} items`),
      (error: ServiceError) => error,
    );
    expect(error).toMatchObject({ code: expect.stringMatching(/^request\.(invalid|too_large)$/) });
    expect(error.message).toContain('Parquet');
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
    expect(await spooled()).toEqual([]);
  });

  test('a process that sends nothing in time is ended', async () => {
    const spool = await openSpool();
    await spool.write(pairsParquet([{ image: 'https://a.example/1', text: 'x' }]));
    const items = itemsOfIsolated(spool, { strictness: 'lenient', columns }, () => {}, { silenceMs: 1 });
    const reading = (async () => {
      for await (const _ of items);
    })();
    await expect(reading).rejects.toThrow('takes more than 0.001 s to decode some of its rows');
    await spool.close();
  });

  test('a file beyond the largest size is refused while it arrives', async () => {
    const spool = await openSpool(tmpdir(), 1_000);
    await spool.write(Buffer.alloc(900));
    await expect(spool.write(Buffer.alloc(101))).rejects.toMatchObject({ code: 'request.too_large' });
    await spool.close();
  });
});

test('a part of a hostile file is not written, and nothing stays on disk', async () => {
  const bytes = hostileParquet()['a page that states 2 GiB'] ?? Buffer.alloc(0);
  const subset = subsetOfParquetStream(Readable.from([bytes]), Uint8Array.of(1), {}, {});
  const writing = (async () => {
    for await (const _ of subset);
  })();
  await expect(writing).rejects.toMatchObject({
    code: 'request.too_large',
    message: expect.stringContaining('a page that decompresses to'),
  });
  expect(await spooled()).toEqual([]);
});

test('a small file that grows to many large items is refused', async () => {
  const value = `data:image/png;base64,${'A'.repeat(500_000)}`;
  const rows = 60;
  const body = plainText(Array.from({ length: rows }, () => value));
  const bytes = parquetBytes({
    schema: [element('schema', 2), element('image'), element('text')],
    columns: {
      image: {
        values: rows,
        codec: 2,
        page: dataPage({ values: rows, body: gzipSync(body), states: body.length }),
      },
      text: {
        values: rows,
        page: dataPage({ values: rows, body: plainText(Array.from({ length: rows }, () => 'x')) }),
      },
    },
    rows,
  });
  expect(bytes.length).toBeLessThan(50_000);
  await expect(read(bytes)).rejects.toThrow('grows to more than 200 times its size');
});
