import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addPixelInput, pixelInputName } from '../../../../models/encoder/pixel-input.ts';
import { loadTowers, type Towers } from '../../../../models/encoder/towers.ts';
import type { ModelSpec } from '../../../../models/model.ts';
import { InferenceSession, Tensor } from '../../../../models/onnx-runtime.ts';
import { crop } from '../../../../models/pixels/preprocess.ts';
import { loadTokenizer } from '../../../../models/texts/tokenizer.ts';
import {
  clipPixels,
  compactFolder,
  goldenClip,
  goldenImage,
  specOf,
  tinyClipFolder,
} from '../../../../testing/model-folders.ts';

const cut = (bytes: Uint8Array) => crop(bytes, { recipe: clipPixels, maxPixels: 50_000_000 });
const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, at) => sum + value * (b[at] ?? Number.NaN), 0);

/** `(value / 255 - mean) / std` in planes R, G, B: what the file of the model takes. */
function planesOf(pixels: Uint8Array, { image: { mean, std } }: ModelSpec): Float32Array {
  const plane = pixels.length / 3;
  return Float32Array.from(pixels, (_, at) => {
    const channel = Math.floor(at / plane);
    const value = pixels[(at % plane) * 3 + channel] ?? 0;
    return (value / 255 - (mean[channel] ?? 0)) / (std[channel] ?? 1);
  });
}

describe.each([
  ['tiny-clip', tinyClipFolder],
  ['compact', compactFolder],
])('bytes into the graph of %s', (_name, folder) => {
  let spec: ModelSpec;
  let towers: Towers;
  let session: InferenceSession;
  let texts: Float32Array[];
  beforeAll(async () => {
    spec = await specOf(folder);
    towers = await loadTowers(spec, 1);
    session = await InferenceSession.create(spec.visionPath);
    const tokenizer = await loadTokenizer(spec);
    texts = await towers.texts(goldenClip.texts.map(({ text }) => tokenizer.encode(text).ids));
  });

  test.each(goldenClip.images)('give $file the cosines that its normalised values give it', async ({ file }) => {
    const pixels = await cut(goldenImage(file));
    const [bytes = new Float32Array()] = await towers.images([pixels]);
    const [name = ''] = session.inputNames;
    const input = new Tensor('float32', planesOf(pixels, spec), [1, 3, 224, 224]);
    const outputs = await session.run({ [name]: input });
    const values = (outputs['image_embeds'] ?? Object.values(outputs)[0])?.data as Float32Array;
    const norm = Math.sqrt(dot(values, values));
    for (const text of texts) expect(Math.abs(dot(bytes, text) - dot(values, text) / norm)).toBeLessThan(1e-6);
  });
});

describe('a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vls-pixel-input-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const options = { size: 224, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };

  test('with several inputs is refused by its name and theirs', async () => {
    const spec = await specOf(tinyClipFolder, { visionPath: join(folder, 'two.onnx') });
    const model = readFileSync((await specOf(tinyClipFolder)).visionPath);
    // An input more, `x`: a message that follows another one is merged with it.
    const more = Buffer.from([0x3a, 5, 0x5a, 3, 0x0a, 1, 0x78]);
    writeFileSync(spec.visionPath, Buffer.concat([model, more]));
    await expect(loadTowers(spec, 1)).rejects.toThrow(/two\.onnx: expected exactly one input, found: pixel_values, x/);
  });

  test.each([
    ['of text', Buffer.from('This is not a model, and never was one.')],
    ['that was cut off', readFileSync(join(tinyClipFolder, 'onnx/vision_model.onnx')).subarray(0, 100_000)],
    ['of nothing', Buffer.alloc(0)],
  ])('%s is refused', (_what, bytes) => {
    expect(() => addPixelInput(Buffer.from(bytes), options)).toThrow(/not an ONNX model|expected exactly one input/);
  });

  test('gets the input under a name of its own, with the size of the image', async () => {
    const model = Buffer.from(readFileSync(join(tinyClipFolder, 'onnx/vision_model.onnx')));
    const session = await InferenceSession.create(Buffer.concat([model, addPixelInput(model, options).appended]));
    expect(session.inputMetadata).toEqual([
      { name: pixelInputName, isTensor: true, type: 'uint8', shape: ['vls.batch', 224, 224, 3] },
    ]);
  });
});
