import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { goldenClip, tinyClipFolder } from '../../../testing/model-folders.ts';
import { startVls } from '../../support/vls.ts';

const directory = mkdtempSync(join(tmpdir(), 'vls-check-'));
afterAll(() => rmSync(directory, { recursive: true }));
const modelsFile = join(directory, 'overlay.json');
const folder = join(directory, 'tiny');
cpSync(tinyClipFolder, folder, { recursive: true });
cpSync(join(tinyClipFolder, '..', 'images'), join(folder, 'images'), { recursive: true });
const source = { type: 'folder', path: folder };
writeFileSync(modelsFile, JSON.stringify({ models: { tiny: { source, revision: '1' } } }));

const vls = async (...args: string[]) =>
  await startVls(args, { env: { DATA_DIR: join(directory, 'data'), MODELS_FILE: modelsFile } }).ended;

test('a check agrees, then names a wrong mean of the files; without golden values it shows cosines', async () => {
  const without = await vls('models', 'check', 'tiny');
  expect(without).toMatchObject({ code: 0, stdout: expect.stringContaining('no golden values to compare with') });

  const chosen = goldenClip.images.filter(({ file }) => ['chelsea.jpg', 'coffee-rgba.png'].includes(file));
  const images = chosen.map(({ file, embedding }) => ({ image: `images/${file}`, embedding }));
  const texts = goldenClip.texts.slice(0, 4).map(({ text, embedding }) => ({ text, embedding }));
  writeFileSync(join(folder, 'golden.json'), JSON.stringify({ source: 'OpenCLIP', images, texts }));
  expect(await vls('models', 'check', 'tiny')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('agrees with its golden values (OpenCLIP)'),
  });

  const file = join(folder, 'preprocessor_config.json');
  const config = JSON.parse(readFileSync(file, 'utf8'));
  const half = [0.5, 0.5, 0.5];
  writeFileSync(file, JSON.stringify({ ...config, image_mean: half, image_std: half }));
  const wrong = await vls('models', 'check', 'tiny', '--json');
  expect(wrong.code).toBe(1);
  expect(JSON.parse(wrong.stdout)).toMatchObject({
    state: 'differs',
    findings: [{ side: 'image', cause: 'mean', to: expect.stringContaining('0.48145466') }],
  });
});

test('golden needs to know what to do, and refuses a file with other values', async () => {
  expect(await vls('models', 'golden', 'tiny')).toMatchObject({ code: 2, stderr: expect.stringContaining('--python') });
  const script = await vls('models', 'golden', 'tiny', '--python', '--reference', 'ViT-B-32');
  expect(script).toMatchObject({ code: 0, stdout: expect.stringContaining('default="ViT-B-32"') });
  const refused = await vls('models', 'golden', 'tiny', '--take', modelsFile);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('vls models golden --python') });
});
