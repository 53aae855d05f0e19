import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCsvReader } from '../../../web/batches/csv.ts';

const field = fc.string({ unit: fc.constantFrom('a', 'é', ' ', ',', ';', '"', '\n', '\r\n', '5') });
const table = fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 6 });

function read(text: string, cuts: readonly number[], delimiter = ','): string[][] {
  const reader = createCsvReader(delimiter);
  const places = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length];
  const rows = places.slice(1).flatMap((to, at) => reader.push(text.slice(places[at], to)));
  return [...rows, ...reader.end()].map(({ fields }) => fields);
}

test('any table that was written as CSV is read back, wherever the pieces are cut', () => {
  fc.assert(
    fc.property(table, fc.array(fc.nat()), (rows, cuts) => {
      expect(read(stringify(rows), cuts)).toEqual(rows);
    }),
  );
});

test('what the service makes of quotes inside a field is made of them here', () => {
  const text = 'size,name\n5" disk,"a ""b"" c"\n3,plain "quoted" word\n';
  expect(read(text, [])).toEqual(parse(text, { relax_quotes: true }));
});

test('a row keeps the text it was written as, without its line break', () => {
  const reader = createCsvReader(';');
  expect(reader.push('a;"b;\nc"\r\nd;e')).toEqual([{ fields: ['a', 'b;\nc'], raw: 'a;"b;\nc"' }]);
  expect(reader.end()).toEqual([{ fields: ['d', 'e'], raw: 'd;e' }]);
});
