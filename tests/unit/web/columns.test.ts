import { expect, test } from 'vitest';
import { columnLines, tileHeight } from '../../../web/batches/explorer/tile-columns.ts';

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
