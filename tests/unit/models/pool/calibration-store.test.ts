import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeJson } from '../../../../models/files.ts';
import { createCalibrationStore } from '../../../../models/pool/calibration-store.ts';
import { specOf, tinyClipFolder } from '../../../../testing/model-folders.ts';
import { silentLog } from '../../../support/silent-log.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vls-calibration-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const calibration = { images: 4, imagesPerSecond: { 1: 10, 4: 20 } };

test('a calibration is read back, by model and number of threads', async () => {
  const spec = await specOf(tinyClipFolder);
  createCalibrationStore(directory, silentLog()).set(spec, 1, calibration);
  const store = createCalibrationStore(directory, silentLog());
  expect(store.get(spec, 1)).toEqual(calibration);
  expect(store.get(spec, 2)).toBeUndefined();
});

test('a process with the same id, in another container over the same directory, does not conflict', async () => {
  const spec = await specOf(tinyClipFolder);
  // A draft named by the process id would be here, where nothing can be written.
  for (const name of ['calibration.json', 'other.json']) mkdirSync(join(directory, `${name}.${process.pid}.new`));
  const store = createCalibrationStore(directory, silentLog());
  store.set(spec, 1, calibration);
  expect(store.get(spec, 1)).toEqual(calibration);
  await writeJson(join(directory, 'other.json'), {});
  const left = readdirSync(directory).filter((name) => !name.includes(String(process.pid)));
  expect(left.sort()).toEqual(['calibration.json', 'other.json']);
});
