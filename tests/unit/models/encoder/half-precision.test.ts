import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { computesInHalf } from '../../../../models/encoder/half-tensors.ts';
import { loadTowers, type Towers } from '../../../../models/encoder/towers.ts';
import { crop } from '../../../../models/pixels/preprocess.ts';
import { towerFile } from '../../../../models/registry/layouts.ts';
import { clipPixels, goldenClip, goldenImage, specOf, tinyClipFolder } from '../../../../testing/model-folders.ts';
import { toHalf } from '../../../../testing/onnx/half.ts';
import { encodeModel } from '../../../../testing/onnx/write.ts';
import { familyFolder } from '../../../support/golden-family.ts';

const compactFolder = new URL('../../../../models/compact/', import.meta.url);
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

// In a process of its own, which the optimizer would end.
test('a model in fp16 is loaded on a CPU under the names of fp32, with float32 inputs and outputs', async () => {
  const renamed = join(folder, 'renamed');
  cpSync(tinyClipFolder, renamed, { recursive: true });
  for (const tower of ['vision', 'text'] as const) {
    cpSync(join(folder, towerFile(tower, 'fp16')), join(renamed, towerFile(tower, 'fp32')));
  }
  const script = fileURLToPath(new URL('fixtures/load-model.ts', import.meta.url));
  await expect(promisify(execFile)(process.execPath, [script, renamed])).resolves.toMatchObject({ stdout: '' });
});

describe('float16 in a graph', () => {
  const fp16 = (tower: 'vision' | 'text') => join(folder, towerFile(tower, 'fp16'));
  const fp32 = (tower: 'vision' | 'text') => join(tinyClipFolder, towerFile(tower, 'fp32'));
  const marqo = (name: string) => join(familyFolder('clip-fp16'), name);

  test('is found in weights, and graphs of fp32 have none', async () => {
    for (const tower of ['vision', 'text'] as const) {
      expect(await computesInHalf(fp16(tower))).toBe(true);
      expect(await computesInHalf(fp32(tower))).toBe(false);
    }
    for (const file of readdirSync(familyFolder('clip-fp16')).filter((name) => name.endsWith('.onnx'))) {
      expect(await computesInHalf(marqo(file))).toBe(file.startsWith('onnx16'));
    }
  });

  test('does not count in weights that are only converted to float32', async () => {
    for (const tower of ['vision', 'text'] as const)
      expect(await computesInHalf(fileURLToPath(new URL(`onnx/${tower}_model.onnx`, compactFolder)))).toBe(false);
  });

  const graph = (to: number, output: 'float' | 'float16', name: string) => {
    const path = join(folder, name);
    const node = { op: 'Cast', inputs: ['ids'], outputs: ['embeds'], attributes: { to: { i: to } } };
    const [input, end] = ['int64', output].map((type, at) => ({
      name: ['ids', 'embeds'][at],
      type,
      dims: ['batch', 4],
    }));
    writeFileSync(path, encodeModel({ name: 'cast', nodes: [node], initializers: [], input, output: end } as never));
    return path;
  };

  test('is found in a conversion, and in an output', async () => {
    expect(await computesInHalf(graph(1, 'float', 'to-float.onnx'))).toBe(false);
    expect(await computesInHalf(graph(10, 'float', 'to-half.onnx'))).toBe(true);
    expect(await computesInHalf(graph(1, 'float16', 'half-output.onnx'))).toBe(true);
  });

  test('is not looked for in a file that is not a graph', async () => {
    const path = join(folder, 'page.onnx');
    writeFileSync(path, '<html><title>Sign in</title></html>');
    await expect(computesInHalf(path)).rejects.toThrow('page.onnx is not an ONNX model');
  });
});
