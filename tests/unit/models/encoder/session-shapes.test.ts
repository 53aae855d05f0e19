import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadTowers } from '../../../../models/encoder/towers.ts';
import type { ModelSpec, TextRecipe } from '../../../../models/model.ts';
import { loadTokenizer } from '../../../../models/texts/tokenizer.ts';
import { specOf, tinyClipFolder } from '../../../../testing/model-folders.ts';
import { encodeModel } from '../../../../testing/onnx/write.ts';
import { dot, familyFolder, goldenFamily } from '../../../support/golden-family.ts';

const directory = mkdtempSync(join(tmpdir(), 'vls-shapes-'));
afterAll(() => rmSync(directory, { recursive: true }));

let tiny: ModelSpec;
beforeAll(async () => {
  tiny = await specOf(tinyClipFolder);
});

describe('a text tower with a fixed length of 77 tokens', () => {
  const paths = { visionPath: join(directory, 'vision_model.onnx'), textPath: join(directory, 'text_model.onnx') };
  beforeAll(() => {
    cpSync(join(familyFolder('immich'), 'visual/model.onnx'), paths.visionPath);
    cpSync(join(familyFolder('immich'), 'textual/model.onnx'), paths.textPath);
  });
  const load = (text: Partial<TextRecipe>) =>
    loadTowers({ ...tiny, ...paths, dimensions: 32, text: { ...tiny.text, ...text } }, 1);

  test('is refused for a model with longer texts, which would lose their end token', async () => {
    await expect(load({ maxTokens: 100 })).rejects.toThrow(/reads texts of 77 tokens.*up to 100.*contextLength/);
  });

  test.each([64, 128])('is refused for a model that pads texts to %d', async (to) => {
    await expect(load({ maxTokens: 64, pad: { id: 1, to } })).rejects.toThrow(`padded to ${to}`);
  });

  test('runs shorter texts of a causal model, and a cut text has the embedding of the reference', async () => {
    const [long] = goldenFamily('immich').texts.toSorted((a, b) => b.text.length - a.text.length);
    const { encode } = await loadTokenizer(tiny);
    const [embedding = []] = await (await load({})).texts([encode(long?.text ?? '').ids]);
    expect(encode(long?.text ?? '').total).toBeGreaterThan(77);
    expect(dot(embedding, long?.embedding ?? [])).toBeGreaterThan(1 - 1e-4);
    await expect(load({ maxTokens: 32 })).resolves.toBeDefined();
  });
});

describe('an output of another length than the embeddings of the model', () => {
  test('is refused when the model is loaded, for images', async () => {
    await expect(loadTowers({ ...tiny, dimensions: 33 }, 1)).rejects.toThrow(
      /vision_model\.onnx has the output image_embeds of the shape \[.*, 32\]; \[batch, 33\] was expected/,
    );
  });

  test('is refused when the model is loaded, for texts', async () => {
    const visionPath = join(familyFolder('siglip'), 'onnx/vision_model.onnx');
    const outputs = { ...tiny.outputs, image: ['pooler_output'] };
    await expect(loadTowers({ ...tiny, visionPath, outputs, dimensions: 48 }, 1)).rejects.toThrow(
      /text_model\.onnx has the output text_embeds of the shape \[.*, 32\]; \[batch, 48\] was expected/,
    );
  });

  test('is refused in a run where the graph does not state it: one value for each token', async () => {
    const textPath = join(directory, 'tokens.onnx');
    writeFileSync(
      textPath,
      encodeModel({
        name: 'tokens',
        nodes: [{ op: 'Cast', inputs: ['input_ids'], outputs: ['text_embeds'], attributes: { to: { i: 1 } } }],
        initializers: [],
        input: { name: 'input_ids', type: 'int64', dims: ['batch', 'tokens'] },
        output: { name: 'text_embeds', type: 'float', dims: ['batch', 'tokens'] },
      }),
    );
    const towers = await loadTowers({ ...tiny, textPath }, 1);
    const text = Array.from({ length: tiny.dimensions }, (_, at) => at + 1);
    expect(await towers.texts([text])).toHaveLength(1);
    await expect(towers.texts([[...text, 1]])).rejects.toThrow(`[1, ${tiny.dimensions + 1}]`);
  });
});
