import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeGraphs, readRecord, recordOf } from '../../../../models/quantization/make.ts';
import { tinyClipFolder } from '../../../../testing/model-folders.ts';

const outputs = { image: ['image_embeds'], text: ['text_embeds'] };
let directory: string;
let from: string;
let to: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vls-make-'));
  from = join(directory, 'vision_model.onnx');
  to = join(directory, 'made', 'onnx', 'vision_model_int8_rows_1.onnx');
  cpSync(join(tinyClipFolder, 'onnx', 'vision_model.onnx'), from);
});
afterEach(() => rmSync(directory, { recursive: true }));
const make = (again = false) => makeGraphs([{ from, to }], { outputs, again });

test('a graph is made once, with the hashes of its source and of its files in a record', async () => {
  expect(await make()).toEqual([to]);
  const record = await readRecord(to);
  expect(record).toMatchObject({ version: 'int8-rows-1', from: { path: from, bytes: statSync(from).size } });
  expect(Object.keys(record?.files ?? {}).sort()).toEqual(
    ['vision_model_int8_rows_1.onnx', 'vision_model_int8_rows_1.onnx_data'].sort(),
  );
  expect(await make()).toEqual([]);
  expect(await make(true)).toEqual([to]);
  // The same source gives the same bytes.
  expect((await readRecord(to))?.files).toEqual(record?.files);
  expect(readdirSync(join(directory, 'made', 'onnx')).filter((name) => !name.startsWith('vision'))).toEqual([
    '.int8.lock',
  ]);
});

test('a graph is made again when its source or its own files change, and not for another time of the source', async () => {
  await make();
  utimesSync(from, new Date(0), new Date(0));
  expect(await make()).toEqual([]);
  writeFileSync(`${to}_data`, 'cut');
  expect(await make()).toEqual([to]);
  cpSync(join(tinyClipFolder, 'onnx', 'text_model.onnx'), from);
  expect(await make()).toEqual([to]);
  writeFileSync(recordOf(to), '{}');
  expect(await make()).toEqual([to]);
});

test('of several who need a graph one makes it', async () => {
  const made = await Promise.all([make(), make(), make()]);
  expect(made.flat()).toEqual([to]);
});

test('a failure leaves nothing behind and names the file', async () => {
  writeFileSync(from, 'nothing');
  await expect(make()).rejects.toThrow(`${from} is not an ONNX model`);
  expect(readdirSync(join(directory, 'made', 'onnx'))).toEqual(['.int8.lock']);
  writeFileSync(join(directory, 'file'), '');
  to = join(directory, 'file', 'vision_model.onnx');
  await expect(make()).rejects.toThrow('cannot be written');
  expect(readFileSync(join(directory, 'file'), 'utf8')).toBe('');
});
