import { expect, test } from 'vitest';
import { addColumns, columnsToQuery, offeredColumns, shownColumns } from '../../../web/batches/explorer/own-columns.ts';
import { readQuery } from '../../../web/batches/explorer/query.ts';
import { columnLines, tileHeight } from '../../../web/batches/explorer/tile-columns.ts';

const columnsOf = (query: string) => readQuery(new URLSearchParams(query)).columns;

test.each([[['size, cm', 'b']], [['']], [[',']], [['[a]', '"', 'a\\,b', '100%', 'ö & ü']], [[]]])(
  'the columns %j are the same after a reload',
  (names) => {
    expect(columnsOf(String(new URLSearchParams({ columns: columnsToQuery(names) })))).toEqual(names);
  },
);

test.each([
  ['', undefined],
  ['columns=price', ['price']],
  ['columns=price,label', ['price', 'label']],
  ['columns=[a],5', ['[a]', '5']],
  ['columns=5', ['5']],
  ['columns=,', []],
])('the columns of the earlier URL "%s" are read', (query, names) => {
  expect(columnsOf(query)).toEqual(names);
});

test('the columns are those of all loaded pairs, in the order in which they were found', () => {
  const known = new Set<string>();
  addColumns(known, [{}, { metadata: { price: 1 } }]);
  expect([...known]).toEqual(['price']);
  addColumns(known, [{ metadata: { brand: 'a', price: 2, note: null } }, {}]);
  addColumns(known, [{}]);
  expect([...known]).toEqual(['price', 'brand', 'note']);
  expect(shownColumns(undefined, [...known])).toEqual(['price', 'brand']);
  expect(shownColumns([], [...known])).toEqual([]);
  // The pairs with this column may not be loaded yet.
  expect(offeredColumns([...known], ['late', 'price'])).toEqual(['price', 'brand', 'note', 'late']);
});

test('a tile has one line for each chosen column, and is as much higher', () => {
  const metadata = { price: 12.5, tags: ['a', 'b'], note: null, long: 'x'.repeat(300) };
  expect(columnLines({ metadata }, ['price', 'tags', 'note', 'absent'])).toEqual([
    { name: 'price', value: '12.5' },
    { name: 'tags', value: '["a","b"]' },
    { name: 'note', value: '' },
    { name: 'absent', value: '' },
  ]);
  expect(columnLines({ metadata }, ['long'])[0]?.value).toHaveLength(200);
  expect(columnLines({}, [])).toEqual([]);
  expect(tileHeight(3) - tileHeight(2)).toBe(tileHeight(2) - tileHeight(1));
  expect(tileHeight(1)).toBeGreaterThan(tileHeight(0));
});
