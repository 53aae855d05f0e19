import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { createResultWriter, readItems } from '../../../formats/index.ts';
import type { ReadItem } from '../../../formats/items.ts';

const columns = { image: 'image', text: 'text', id: 'id' };

async function read(content: string, delimiter?: string): Promise<ReadItem[]> {
  const items: ReadItem[] = [];
  const file = readItems('tsv', [Buffer.from(content)] as unknown as AsyncIterable<Buffer>, {
    columns,
    delimiter,
    strictness: 'lenient',
  });
  for await (const some of file.items) items.push(...some);
  return items;
}

test('columns of TSV are separated by tabs, and commas are text', async () => {
  expect(await read('id\timage\ttext\tshop\n1\tx.jpg\ta, b; c\tBasel\n')).toEqual([
    { id: '1', image: 'x.jpg', text: 'a, b; c', metadata: { shop: 'Basel' } },
  ]);
});

test('a cell in quotes may have a tab and a line break', async () => {
  expect(await read('image\ttext\nx.jpg\t"a\tb\nc ""d"""\n')).toEqual([{ image: 'x.jpg', text: 'a\tb\nc "d"' }]);
});

test('the query may name another separator, and messages name the format', async () => {
  expect(await read('image;text\nx.jpg;a\n', ';')).toEqual([{ image: 'x.jpg', text: 'a' }]);
  await expect(read('image,text\nx.jpg,a\n')).rejects.toThrow(
    'The TSV has no column image; it has image,text. Its columns seem to be separated by ",". Set this separator with the query parameter ?delimiter=%2C',
  );
});

test('results as TSV have the columns of the file, and are read back by another parser', () => {
  const source = { columns: ['image', 'text', 'note'], columnNames: columns };
  const writer = createResultWriter('tsv', source, 'escape');
  const note = 'a\tb\n"c", d';
  const results = [
    { index: 0, metadata: { note }, status: 'succeeded', score: 20.5, cosine: 0.205 },
    { index: 1, metadata: { note: '=1+1' }, status: 'cancelled' },
  ] as const;
  const items = [
    { image: 'x.jpg', text: 'a cat' },
    { image: 'y.jpg', text: 'a dog' },
  ];
  const text = `${writer.start()}${writer.rows(results, items)}${writer.end()}`;
  const rows: string[][] = parse(text, { delimiter: '\t' });
  expect(rows).toEqual([
    ['index', 'image', 'text', 'note', 'status', 'score', 'cosine', 'error_code', 'error_message', 'warnings'],
    ['0', 'x.jpg', 'a cat', note, 'succeeded', '20.5', '0.205', '', '', ''],
    ['1', 'y.jpg', 'a dog', "'=1+1", 'cancelled', '', '', '', '', ''],
  ]);
  expect(writer.escaped()).toBe(1);
});
