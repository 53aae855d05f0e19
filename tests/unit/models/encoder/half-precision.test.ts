import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadTowers, type Towers } from '../../../../models/encoder/towers.ts';
import { crop } from '../../../../models/pixels/preprocess.ts';
import { towerFile } from '../../../../models/registry/layouts.ts';
import { clipPixels, goldenClip, goldenImage, specOf, tinyClipFolder } from '../../../../testing/model-folders.ts';
import { toHalf } from '../../../../testing/onnx/half.ts';

const folder = mkdtempSync(join(tmpdir(), 'vls-half-'));
afterAll(() => rmSync(folder, { recursive: true }));

let towers: Towers;
beforeAll(async () => {
  cpSync(tinyClipFolder, folder, { recursive: true });
  for (const tower of ['vision', 'text'] as const) {
    const whole = readFileSync(join(tinyClipFolder, towerFile(tower, 'fp32')));
    writeFileSync(join(folder, towerFile(tower, 'fp16')), toHalf(whole));
  }
  const paths = {
    visionPath: join(folder, towerFile('vision', 'fp16')),
    textPath: join(folder, towerFile('text', 'fp16')),
  };
  towers = await loadTowers(await specOf(folder, { ...paths, precision: 'fp16' }), 1);
});

// Loading alone ended the process: an optimizer of ONNX Runtime 1.30.
test('a model in fp16 is loaded on a CPU, and has the cosines of the reference within 0.005', async () => {
  const texts = await towers.texts(goldenClip.texts.map(({ input_ids: ids }) => ids));
  for (const [row, { file }] of goldenClip.images.entries()) {
    const pixels = await crop(goldenImage(file), { recipe: clipPixels, maxPixels: 50_000_000, mode: 'exact' });
    const [image = new Float32Array()] = await towers.images([pixels]);
    for (const [column, text] of texts.entries()) {
      const cosine = image.reduce((sum, value, at) => sum + value * (text[at] ?? Number.NaN), 0);
      expect(Math.abs(cosine - (goldenClip.cosine[row]?.[column] ?? Number.NaN))).toBeLessThan(0.005);
    }
  }
});
