import { describe, expect, test } from 'vitest';
import {
  endingsInWords,
  formatNames,
  formatOfFile,
  formatOfMediaType,
  formatOfStart,
  formats,
  labelsInWords,
} from '../../../shared/formats.ts';

test('no two formats share a name, a media type, an ending or a start', () => {
  const all = formats.flatMap(({ name, mediaTypes, endings, start }) => [
    `name ${name}`,
    ...mediaTypes.map((type) => `type ${type}`),
    ...endings.map((ending) => `.${ending}`),
    ...(start === undefined ? [] : [`start ${start}`]),
  ]);
  expect(new Set(all).size).toBe(all.length);
  expect(formats.map(({ name }) => name)).toEqual(formatNames);
});

test.each([
  ['pairs.csv', 'csv', 'pairs', false],
  ['my pairs.v2.CSV.GZ', 'csv', 'my pairs.v2', true],
  ['a/b.tsv', 'tsv', 'a/b', false],
  ['a.jsonl', 'ndjson', 'a', false],
  ['a.ndjson.gz', 'ndjson', 'a', true],
  ['a.json', 'json', 'a', false],
  ['a.parquet', 'parquet', 'a', false],
  ['.csv', 'csv', '', false],
])('the name %s means %s', (name, format, stem, isGzip) => {
  const found = formatOfFile(name);
  expect(found).toMatchObject({ stem, isGzip });
  expect(found?.format.name).toBe(format);
});

// A binary format compresses its own pages.
test.each(['pairs.xlsx', 'csv', 'pairs.csv.zip', 'a.parquet.gz', 'a.geojson', 'a.gz', ''])(
  'the name %j means no format',
  (name) => {
    expect(formatOfFile(name)).toBeUndefined();
  },
);

test.each([
  ['text/csv', 'csv'],
  ['Text/CSV; charset=windows-1252', 'csv'],
  [' application/jsonl ;x=1', 'ndjson'],
  ['text/tab-separated-values', 'tsv'],
  ['application/vnd.apache.parquet', 'parquet'],
  ['application/json', 'json'],
])('the media type %s means %s', (type, format) => {
  expect(formatOfMediaType(type)?.name).toBe(format);
});

test.each(['', 'text/plain', 'application/octet-stream', 'text/csvx'])('the media type %j means no format', (type) => {
  expect(formatOfMediaType(type)).toBeUndefined();
});

describe('the first bytes of a file', () => {
  test.each([
    ['PAR1\x15\x04', 'parquet'],
    ['{"image":', 'ndjson'],
    ['\uFEFF\n {"image":', 'ndjson'],
    [' [\n', 'json'],
    ['image,text', undefined],
    [' PAR1', undefined],
    ['', undefined],
  ])('%j mean %s', (start, format) => {
    expect(formatOfStart(Buffer.from(start))?.name).toBe(format);
  });
});

test('lists of formats are made from the registry', () => {
  const [first, second, third] = formats;
  const some = [first, second, third].filter((format) => format !== undefined);
  expect(endingsInWords(some)).toBe('.ndjson, .jsonl, .csv or .tsv');
  expect(labelsInWords(some)).toBe('NDJSON, CSV and TSV');
  expect(labelsInWords(some.slice(0, 1))).toBe('NDJSON');
});
