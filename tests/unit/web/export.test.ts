import { expect, test } from 'vitest';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { fileStem } from '../../../web/batches/file-names.ts';
import { exportName, haveImageBytes, noteOf, type Part } from '../../../web/batches/workbench/exported.ts';

const items = { total: 300, succeeded: 296, failed: 4, cancelled: 0, pending: 0 };
const status = { id: 'b', model: 'm', revision: '1', precision: 'fp32', traffic: null, items } as BatchStatus;

test('the note for every part has the threshold and the selection as numbers, and the number of rows', () => {
  const note = (part: Part, rows: number | undefined) => JSON.parse(noteOf(status, part, 47.9, rows));
  expect(note('passing', 30)).toMatchObject({
    ...{ batch: 'b', part: 'passing', threshold: 47.9, rows: 30 },
    selection: { status: 'succeeded', minScore: 47.9 },
    receipt: { model: 'm', revision: '1', precision: 'fp32' },
  });
  const failing = { threshold: 47.9, rows: 266, selection: { status: 'succeeded', maxScore: 47.8999 } };
  expect(note('failing', 266)).toMatchObject(failing);
  expect(note('all', 300)).toMatchObject({ threshold: null, rows: 300, selection: {} });
  expect(note('failed', 4)).toMatchObject({ threshold: null, rows: 4, selection: { status: 'failed' } });
  expect(note('all', undefined)).toMatchObject({ rows: null });
});

test('the files leave out images without address and path', () => {
  const pair = { index: 0, status: 'succeeded', score: 1, cosine: 0.01 } as const;
  const kept: ItemResult[] = [
    { ...pair, image: 'https://a.test/1.jpg' },
    { ...pair, image: null, imagePath: 'a.jpg' },
  ];
  expect(haveImageBytes(kept)).toBe(false);
  expect(haveImageBytes([...kept, { ...pair, image: null }])).toBe(true);
});

test('the files of a batch have its name, without the ending of the uploaded file', () => {
  expect(exportName('web.csv', 'passing', 40)).toBe('web-from-40.0');
  expect(exportName('web.csv.gz, retried', 'failed', 40)).toBe('web-retried-failed');
  expect(fileStem('web.parquet, wrong pairs')).toBe('web-wrong-pairs');
  expect(fileStem('web.csv, vit-b-32')).toBe('web-vit-b-32');
  expect(fileStem('Größe 1.5/صور')).toBe('Größe-1-5-صور');
  expect(fileStem('📷')).toBe('batch');
});
