import { expect, test } from 'vitest';
import { createResultWriter, readItems } from '../../../formats/index.ts';

const MiB = 1024 * 1024;

/** Reads CSV that arrives as a decompressed body does; gives the number of items, and of chunks it took to tell. */
async function read(head: string, rest: Buffer): Promise<{ items: number; chunks: number; fault?: string }> {
  let items = 0;
  let chunks = 0;
  async function* arriving() {
    yield Buffer.from(head);
    for (let at = 0; at < rest.length; at += 16_384) {
      chunks++;
      yield rest.subarray(at, at + 16_384);
    }
  }
  const columns = { image: 'image', text: 'text', id: 'id' };
  try {
    const options = { columns, strictness: 'lenient' } as const;
    for await (const some of readItems('csv', arriving(), options).items) items += some.length;
  } catch (error) {
    return { items, chunks, fault: (error as Error).message };
  }
  return { items, chunks };
}

test('what never ends its first row is refused after 256 KiB', async () => {
  const { chunks, fault } = await read('', Buffer.alloc(2 * MiB, 'a'));
  expect(fault).toContain('has a header row of more than 262144 characters');
  expect(chunks).toBeLessThan(20);
});

test('a row of empty columns is refused before they fill the memory', async () => {
  const { chunks, fault } = await read('image,text\n', Buffer.alloc(8 * MiB, ','));
  expect(fault).toContain('1000000 delimiters');
  expect(chunks).toBeLessThan(140);
});

test('rows are read whose cells have many delimiters, and as many as there are', async () => {
  const row = `x.jpg,"${'a,'.repeat(50_000)}"\n`;
  expect(await read('image,text\n', Buffer.from(row.repeat(30)))).toMatchObject({ items: 30 });
});

test.each(['=1+1', '+1+1', '-1+1', '@SUM(1)', '\t=1', '\r=1', '\n=1', '＝1+1', '＋1+1', '－1+1', '＠SUM(1)'])(
  'a result that begins like the formula %j gets an apostrophe',
  (text) => {
    const csv = createResultWriter(
      'csv',
      { columns: ['text'], columnNames: { image: 'i', text: 'text', id: 'id' } },
      'escape',
    );
    const result = { index: 0, id: 'a', status: 'cancelled' } as const;
    expect(csv.rows([result], [{ image: 'x', text }])).toMatch(/^0,"?'/);
  },
);

test('names of columns that outgrow what was sent are refused, as each item stores them', async () => {
  const name = 'n'.repeat(200_000);
  const { items, fault } = await read(`image,text,${name}\n`, Buffer.from('u,t,x\n'.repeat(3_000)));
  expect(fault).toContain('shorten the names');
  expect(items * name.length).toBeLessThan(32 * MiB);
});

test('a table of hundreds of columns that are nearly empty is read', async () => {
  const names = Array.from({ length: 500 }, (_, at) => `some column ${at}`);
  const rows = `u,t${','.repeat(names.length)}\n`.repeat(4_000);
  const { items, fault } = await read(`image,text,${names.join(',')}\n`, Buffer.from(rows));
  expect(fault).toBeUndefined();
  expect(items).toBe(4_000);
});
