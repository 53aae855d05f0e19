import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { goldenClip, tinyClipFolder } from '../../../testing/model-folders.ts';
import { toHalf } from '../../../testing/onnx/half.ts';
import { familyFolder, goldenFamily } from '../../support/golden-family.ts';
import { startVls } from '../../support/vls.ts';

const directory = mkdtempSync(join(tmpdir(), 'vls-check-'));
afterAll(() => rmSync(directory, { recursive: true }));
const modelsFile = join(directory, 'overlay.json');
const folder = join(directory, 'tiny');
cpSync(tinyClipFolder, folder, { recursive: true });
cpSync(join(tinyClipFolder, '..', 'images'), join(folder, 'images'), { recursive: true });
const source = { type: 'folder', path: folder };
writeFileSync(modelsFile, JSON.stringify({ models: { tiny: { source, revision: '1' } } }));

const overlayOf = (name: string) => join(directory, `${name}.json`);
const vls = async (...args: string[]) =>
  await startVls(args, { env: { DATA_DIR: join(directory, 'data'), MODELS_FILE: modelsFile } }).ended;

test('a check agrees, then names a wrong mean of the files; without golden values it shows cosines', async () => {
  const without = await vls('models', 'check', 'tiny');
  expect(without).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('no golden values (values of the reference library) are known'),
  });

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

test('a check names a wrong filter of the files', async () => {
  const file = join(folder, 'preprocessor_config.json');
  const config = JSON.parse(readFileSync(join(tinyClipFolder, 'preprocessor_config.json'), 'utf8'));
  writeFileSync(file, JSON.stringify({ ...config, resample: 2 }));
  const { code, stdout } = await vls('models', 'check', 'tiny');
  expect(code).toBe(1);
  expect(stdout).toContain('image: filter: bilinear; bicubic agrees\n  see `resample` of preprocessor_config.json');
});

test('a check names the missing padding of a MobileCLIP whose files say nothing of it', async () => {
  const { texts } = goldenFamily('mobileclip');
  const mobile = join(directory, 'mobile');
  cpSync(familyFolder('mobileclip'), mobile, { recursive: true });
  cpSync(join(tinyClipFolder, 'tokenizer.json'), join(mobile, 'tokenizer.json'));
  const golden = texts.slice(0, 4).map(({ text, input_ids: ids, embedding }) => ({ text, ids, embedding }));
  writeFileSync(join(mobile, 'golden.json'), JSON.stringify({ source: 'OpenCLIP', texts: golden }));
  writeFileSync(
    overlayOf('padded'),
    JSON.stringify({ models: { mobile: { source: { type: 'folder', path: mobile } } } }),
  );
  const check = () =>
    startVls(['models', 'check', 'mobile'], {
      env: { DATA_DIR: join(directory, 'data'), MODELS_FILE: overlayOf('padded') },
    }).ended;
  expect(await check()).toMatchObject({ code: 0, stdout: expect.stringContaining('(mobileclip') });

  // Without it the files are those of a CLIP.
  rmSync(join(mobile, 'open_clip_config.json'));
  const wrong = await check();
  expect(wrong).toMatchObject({ code: 1, stdout: expect.stringContaining('(clip, revision local') });
  expect(wrong.stdout).toContain(
    'text: padding: padded to the longest text of a run; padded with 0 to 77 agrees\n  see `family` of the registry entry',
  );
});

test('a check at fp16 says that it brings nothing on a CPU', async () => {
  const half = join(directory, 'half');
  cpSync(tinyClipFolder, half, { recursive: true });
  for (const tower of ['vision', 'text']) {
    const whole = join(half, 'onnx', `${tower}_model.onnx`);
    writeFileSync(join(half, 'onnx', `${tower}_model_fp16.onnx`), toHalf(readFileSync(whole)));
  }
  writeFileSync(overlayOf('half'), JSON.stringify({ models: { half: { source: { type: 'folder', path: half } } } }));
  const env = { DATA_DIR: join(directory, 'data'), MODELS_FILE: overlayOf('half'), PRECISION: 'fp16' };
  const { code, stdout } = await startVls(['models', 'check', 'half'], { env }).ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /fp16 on the CPU\): the model runs, but no golden values .*\n {2}fp16 has no advantage on a CPU/,
  );
});

test('a check of int8 prints its drift against fp32, and makes it in the data directory', async () => {
  const shown = await vls('models', 'check', 'tiny', '--precision', 'int8');
  expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining('drift of cosines against fp32, 72 pairs') });
  const { precision, drift } = JSON.parse(
    (await vls('models', 'check', 'tiny', '--precision', 'int8', '--threshold', '0', '--json')).stdout,
  );
  expect(precision).toBe('int8-rows-1');
  expect(drift).toMatchObject({ pairs: 72, images: 3, texts: 24, threshold: 0 });
  expect(drift.largest).toBeGreaterThan(drift.mean);
  expect(drift.largest).toBeLessThan(0.05);
  expect(drift.rankCorrelation).toBeGreaterThan(0.9);
  expect(existsSync(join(directory, 'data', 'models', 'tiny', '1', 'onnx', 'vision_model_int8_rows_1.onnx'))).toBe(
    true,
  );
  const refused = await vls('models', 'check', 'tiny', '--threshold', '0.3');
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--precision') });
  const verified = JSON.parse((await vls('models', 'verify', 'tiny', '--json')).stdout);
  expect(verified.models[0].files).toContainEqual(
    expect.objectContaining({ file: 'onnx/text_model_int8_rows_1.onnx_data', state: 'intact' }),
  );
});

test('golden needs to know what to do, and refuses a file with other values', async () => {
  expect(await vls('models', 'golden', 'tiny')).toMatchObject({ code: 2, stderr: expect.stringContaining('--python') });
  const script = await vls('models', 'golden', 'tiny', '--python', '--reference', 'ViT-B-32');
  expect(script).toMatchObject({ code: 0, stdout: expect.stringContaining('default="ViT-B-32"') });
  const refused = await vls('models', 'golden', 'tiny', '--take', modelsFile);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('vls models golden --python') });
});
