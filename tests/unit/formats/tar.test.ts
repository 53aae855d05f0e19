import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { describe, expect, test } from 'vitest';
import { readBody } from '../../../formats/body.ts';
import type { ReadOptions } from '../../../formats/format.ts';
import { readItems } from '../../../formats/index.ts';
import type { ReadItem } from '../../../formats/items.ts';
import { maxSampleBytes } from '../../../formats/tar/sample.ts';

const fixture = (name: string) => readFile(new URL(`./fixtures/tar/${name}`, import.meta.url));
const columns = { image: 'image', text: 'text', id: 'id' };

/** Reads a tar that arrives in parts of a length. */
async function read(tar: Buffer, partBytes = 64 * 1024, options: Partial<ReadOptions> = {}): Promise<ReadItem[]> {
  const parts = Array.from({ length: Math.ceil(tar.length / partBytes) }, (_, at) =>
    tar.subarray(at * partBytes, (at + 1) * partBytes),
  );
  const { bytes } = readBody(Readable.from(parts, { objectMode: false }));
  const items: ReadItem[] = [];
  const file = readItems('tar', bytes, { strictness: 'lenient', columns, ...options });
  for await (const some of file.items) items.push(...some);
  return items;
}

const base64 = expect.stringMatching(/^iVBOR/);
const pairs = [
  {
    id: '000000001',
    image: { base64, path: '000000001.jpg' },
    text: 'a red dot',
    metadata: { key: '000000001', hash: JSON.rawJSON('9007199254741003'), width: 1, caption: 'a red dot' },
  },
  { id: '000000002', image: { base64, path: '000000002.png' }, text: 'from the JSON', metadata: { n: 1.5 } },
];

describe('tars of Python', () => {
  test.each(['pairs.tar', 'pairs.tar.gz'])('%s is read as items with image, text and metadata', async (name) => {
    expect(await read(await fixture(name))).toEqual(pairs);
  });

  test.each([1, 7, 511, 512, 513])('are read alike in parts of %i bytes', async (partBytes) => {
    expect(await read(await fixture('pairs.tar'), partBytes)).toEqual(pairs);
  });

  test.each(['pax.tar', 'gnu.tar'])('%s has long names and names that are not ASCII', async (name) => {
    const long = `${'deep/'.repeat(30)}photo`;
    expect(await read(await fixture(name))).toEqual([
      { id: 'a/Été', image: { base64, path: './a/Été.JPG' }, text: 'une photo d’été' },
      { id: long, image: { base64, path: `${long}.webp` }, text: 'deep' },
    ]);
  });

  test('the field of the JSON with the text may be named', async () => {
    const items = await read(await fixture('pairs.tar'), 1_000, { columns: { ...columns, text: 'n' } });
    expect(items[1]).toMatchObject({ error: { message: expect.stringContaining('text: is a number') } });
  });
});

test('a sample that cannot be read fails alone, with the reason', async () => {
  const items = await read(await fixture('bad-samples.tar'));
  const told = items.map((item) =>
    'error' in item
      ? [item.id, item.error.code, item.error.message.replace(/^sample \S+ ?/, '')]
      : [item.id, item.text],
  );
  expect(told).toEqual([
    ['ok1', 'one'],
    ['link', 'item.invalid', expect.stringContaining('link.jpg is a link')],
    ['hard', 'item.invalid', expect.stringContaining('hard.jpg is a link')],
    ['fifo', 'item.invalid', expect.stringContaining('fifo.jpg is not a regular file')],
    ['two', 'item.invalid', 'has two.jpg and two.png; a sample has one image'],
    ['twice', 'item.invalid', 'has a second twice.txt; a sample has one .txt'],
    ['none', 'item.invalid', 'image: is missing'],
    ['mute', 'item.invalid', 'has no text: there is no mute.txt or mute.json next to the image'],
    ['latin', 'item.encoding', 'its .txt is not UTF-8'],
    ['json', 'item.invalid', 'its .json is not JSON'],
    ['list', 'item.invalid', 'its .json is not an object'],
    ['deep', 'item.too_deep', 'its .json nests too deeply'],
    ['sparse', 'item.invalid', expect.stringContaining('sparse.jpg is a sparse file')],
    ['../../etc/passwd', 'outside'],
    ['ok2', 'two'],
  ]);
});

describe('a tar that is not whole', () => {
  const invalid = { code: 'request.invalid' };
  test('ends too early in a member, and names it', async () => {
    await expect(read(await fixture('truncated.tar'))).rejects.toMatchObject({
      ...invalid,
      message: 'The tar ends too early after the member 000000001.jpg',
    });
  });

  test.each([
    ['nothing', Buffer.alloc(0), 'is empty'],
    ['other bytes', Buffer.alloc(2_000, 'x'), 'is not a tar, or is damaged'],
    ['a few bytes', Buffer.from('PK\x03\x04'), 'ends too early'],
  ])('%s is refused', async (_, bytes, message) => {
    await expect(read(bytes)).rejects.toMatchObject({ ...invalid, message: expect.stringContaining(message) });
  });

  test('a changed header is found by its checksum', async () => {
    const tar = await fixture('pairs.tar');
    tar[1_024 + 3] = (tar[1_024 + 3] ?? 0) + 1;
    await expect(read(tar)).rejects.toMatchObject({
      ...invalid,
      message: 'The tar is not a tar, or is damaged after the member 000000001.jpg',
    });
  });

  test('an extended header of a gigabyte is refused before it is held', async () => {
    const header = await extendedHeader(1024 ** 3);
    await expect(read(header)).rejects.toMatchObject({
      ...invalid,
      message: 'The tar has an extended header of more than 4 MiB',
    });
  });

  test.each([
    [0x81, 'has a member without a valid size, x.jpg'],
    [0xff, 'is not a tar, or is damaged'],
    [0x80, 'has a member without a valid size, x.jpg'],
  ])('a size whose first byte is %i is refused, and nothing waits for its end', async (first, message) => {
    const tar = await packed([['x.jpg', Buffer.from('x')]]);
    tar.fill(0x7f, 124, 136);
    tar[124] = first;
    sign(tar);
    await expect(read(tar)).rejects.toMatchObject({ ...invalid, message: `The tar ${message}` });
  });

  test('an error of the connection passes', async () => {
    const tar = await fixture('pairs.tar');
    const broken = Readable.from(
      (async function* () {
        yield tar.subarray(0, 700);
        throw Object.assign(new Error('gone'), { code: 'ECONNRESET' });
      })(),
      { objectMode: false },
    );
    const { items } = readItems('tar', readBody(broken).bytes, { strictness: 'lenient', columns });
    await expect(Readable.from(items).toArray()).rejects.toMatchObject({ code: 'request.aborted' });
  });
});

test('a large member that is not part of an item is passed over, and one that is fails alone', async () => {
  const held: number[] = [];
  const pending = { set: async (bytes: number) => void held.push(bytes) };
  const big = Buffer.alloc(maxSampleBytes + 1);
  const tar = await packed([
    ['big.npy', big.subarray(0, 1024 * 1024)],
    ['big.jpg', big],
    ['big.txt', Buffer.from('too big')],
    ['ok.jpg', Buffer.from('x')],
    ['ok.txt', Buffer.from('ok')],
  ]);
  const items = await read(gzipSync(tar, { level: 0 }), 1024 * 1024, { pending });
  expect(items).toMatchObject([{ id: 'big', error: { code: 'item.too_large' } }, { text: 'ok' }]);
  expect(Math.max(...held)).toBeLessThanOrEqual((maxSampleBytes * 4) / 3);
  expect(held.at(-1)).toBe(0);
});

test('a bad sample refuses the batch when strict', async () => {
  const tar = await fixture('bad-samples.tar');
  await expect(read(tar, 4096, { strictness: 'strict' })).rejects.toMatchObject({
    code: 'request.invalid',
    message: expect.stringContaining('link.jpg is a link'),
  });
});

async function packed(members: [name: string, bytes: Buffer][]): Promise<Buffer> {
  const tar = pack();
  for (const [name, bytes] of members) tar.entry({ name }, bytes);
  tar.finalize();
  return Buffer.concat(await Readable.from(tar).toArray());
}

/** Returns the header of an extended header that announces a size. */
async function extendedHeader(size: number): Promise<Buffer> {
  const header = (await packed([['PaxHeader/x', Buffer.alloc(0)]])).subarray(0, 512);
  header.write(size.toString(8).padStart(11, '0'), 124, 'latin1');
  header.write('x', 156, 'latin1');
  sign(header);
  return Buffer.concat([header, Buffer.alloc(4096)]);
}

/** Writes the checksum of the first header. */
function sign(tar: Buffer): void {
  const header = tar.subarray(0, 512);
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}

test('a tar is read no further ahead of its items than one item and a few parts', async () => {
  const image = Buffer.alloc(300_000, 7);
  const partBytes = 64 * 1024;
  let pulled = 0;
  async function* arriving() {
    const tar = pack();
    void (async () => {
      for (let index = 0; index < 60; index++) {
        for (const [ending, content] of [['jpg', image] as const, ['txt', Buffer.from('a cat')] as const]) {
          await new Promise<void>((resolve) => tar.entry({ name: `${index}.${ending}` }, content, () => resolve()));
        }
      }
      tar.finalize();
    })();
    for await (const part of tar as AsyncIterable<Buffer>) {
      for (let at = 0; at < part.length; at += partBytes) {
        const some = part.subarray(at, at + partBytes);
        pulled += some.length;
        yield some;
      }
    }
  }
  let read = 0;
  let ahead = 0;
  for await (const items of readItems('tar', arriving(), { strictness: 'strict', columns }).items) {
    read += items.length * image.length;
    ahead = Math.max(ahead, pulled - read);
    // A slow reader of items: a source that pushes would run ahead here.
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(read).toBe(60 * image.length);
  expect(ahead).toBeLessThan(2 * image.length + 4 * partBytes);
});
