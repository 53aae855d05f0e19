import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { tallyOf } from '../../../batches/lifecycle/steps/tally.ts';
import type { StoredItem } from '../../../batches/store/payload.ts';
import { createResultWriter } from '../../../formats/index.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';

const columnNames = { image: 'image', text: 'text', id: 'id' };
const scored = { status: 'succeeded', score: 20, cosine: 0.2 } as const;

test('results that are posted as input again keep their columns, and ours have names of their own', () => {
  const post = (columns: string[]) =>
    String(createResultWriter('csv', { columns, columnNames }, 'escape').start())
      .trim()
      .split(',');
  const first = post(['image', 'text', 'score']);
  expect(first).toEqual('index,image,text,score,status,vls_score,cosine,error_code,error_message,warnings'.split(','));
  const second = post(first);
  const third = post(second);
  for (const header of [second, third]) expect(new Set(header).size).toBe(header.length);
  expect(second).toContain('vls_score_2');
  expect(third).toContain('vls_score_3');
});

test('a row that is invalid has its own cells', () => {
  const csv = createResultWriter('csv', { columns: ['id', 'image', 'text', 'note'], columnNames }, 'escape');
  const error = { code: 'item.invalid', message: 'line 2: no', retryable: false } as const;
  const item: StoredItem = { id: 'a', image: 'x.jpg', text: 'a cat', metadata: { note: 'n' }, error };
  const result: ItemResult = { index: 0, id: 'a', metadata: { note: 'n' }, status: 'failed', error };
  expect(csv.rows([result], [item])).toBe('0,a,x.jpg,a cat,n,failed,,,item.invalid,line 2: no,\n');
});

test('cells have the digits that were sent, and no column takes anything from JavaScript', () => {
  const columns = ['image', 'text', 'hash', 'constructor', 'toString', 'list'];
  const csv = createResultWriter('csv', { columns, columnNames }, 'escape');
  const metadata = { hash: JSON.rawJSON('1546130668394913822'), list: [JSON.rawJSON('1.0')] };
  const row = csv.rows(
    [{ index: 0, metadata, ...scored }],
    [{ image: { base64: 'AAAA', path: 'a/b.jpg' }, text: 't' }],
  );
  expect(row).toBe('0,a/b.jpg,t,1546130668394913822,,,[1.0],succeeded,20,0.2,,,\n');
});

test('what is kept equals its source, and what is escaped is counted as it was at the commit', () => {
  const texts = ['=1+1', 'plain', '-5', '@x'];
  const items = texts.map((text, at): StoredItem => ({ id: `+${at} a`, image: 'x', text, metadata: { note: '=2' } }));
  const results = items.map(({ id, metadata }, index): ItemResult => ({ index, ...scored, id: id ?? '', metadata }));
  const columns = ['id', 'image', 'text', 'note'];
  const kept = createResultWriter('csv', { columns, columnNames }, 'keep');
  const rows: string[][] = parse(String(kept.rows(results, items)));
  expect(rows.map((row) => row.slice(1, 5))).toEqual(texts.map((text, at) => [`+${at} a`, 'x', text, '=2']));
  expect(kept.escaped()).toBe(0);
  const escaped = createResultWriter('csv', { columns, columnNames }, 'escape');
  escaped.rows(results, items);
  const { formulas } = tallyOf({ offset: 0, items }, results);
  expect(formulas?.succeeded).toEqual({ common: 6, own: 4 });
  expect(escaped.escaped()).toBe(10);
});

test('probabilities of pairs have a column before that of the models, and cells that are empty without one', () => {
  const source = { columns: ['probability'], columnNames, pairProbabilities: true, traffic: {} };
  const csv = createResultWriter('csv', source, 'escape');
  const header = 'index,probability,status,score,cosine,error_code,error_message,warnings,vls_probability,model';
  expect(csv.start()).toBe(`${header}\n`);
  const error = { code: 'item.invalid', message: 'no', retryable: false } as const;
  const rows = csv.rows(
    [
      { index: 0, ...scored, probability: 0.0312, model: 'a' },
      { index: 1, ...scored, model: 'b' },
      { index: 2, status: 'failed', error, model: 'a' },
    ],
    [],
  );
  expect(String(rows).split('\n')).toEqual([
    '0,,succeeded,20,0.2,,,,0.0312,a',
    '1,,succeeded,20,0.2,,,,,b',
    '2,,failed,,,item.invalid,no,,,a',
    '',
  ]);
});

test('results of a retry end with the index in the original batch, and other results have no such column', () => {
  const source = { columns: ['image', 'text', 'retry_of_index'], columnNames, groupSizes: true };
  const csv = createResultWriter('csv', { ...source, retryOf: 'a' }, 'escape');
  const own = 'status,score,cosine,error_code,error_message,warnings,group_size';
  expect(csv.start()).toBe(`index,image,text,retry_of_index,${own},vls_retry_of_index\n`);
  const metadata = { retry_of_index: '3' };
  const rows = csv.rows(
    [
      { index: 0, ...scored, groupSize: 2, retryOfIndex: 0, metadata },
      { index: 1, status: 'cancelled', retryOfIndex: 7 },
    ],
    [],
  );
  expect(rows).toBe('0,,,3,succeeded,20,0.2,,,,2,0\n1,,,,cancelled,,,,,,,7\n');
  const other = createResultWriter('csv', source, 'escape');
  expect(other.start()).toBe(`index,image,text,retry_of_index,${own}\n`);
});

test('a table without probabilities of pairs has no such column', () => {
  const csv = createResultWriter('csv', { columns: ['image', 'text'], columnNames }, 'escape');
  expect(String(csv.start())).not.toContain('probability');
});
