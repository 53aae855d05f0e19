import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTowers, type Towers } from '../../../models/encoder/towers.ts';
import type { ModelSpec } from '../../../models/model.ts';
import { towerFile } from '../../../models/registry/layouts.ts';
import { loadTokenizer } from '../../../models/texts/tokenizer.ts';
import { specOf } from '../../../testing/model-folders.ts';
import { ensureShapeModels } from '../../../testing/shape-models/build.ts';

const cache = mkdtempSync(join(tmpdir(), 'vls-shape-models-'));
const folder = ensureShapeModels(cache);
afterAll(() => rmSync(cache, { recursive: true, force: true }));

const sumOfSquares = (vector: Float32Array) => vector.reduce((sum, value) => sum + value * value, 0);
const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);

/** The pixels of an image of stripes. */
const stripes = (width: number) =>
  Uint8Array.from({ length: 3 * 224 * 224 }, (_, at) => (Math.floor(at / width) % 2 === 0 ? 230 : 20));

describe.each([
  { name: 'vit-b-32', precision: 'fp32', dimensions: 512 },
  { name: 'vit-b-32', precision: 'fp16', dimensions: 512 },
  { name: 'vit-b-32', precision: 'int8', dimensions: 512 },
  { name: 'vit-l-14', precision: 'fp32', dimensions: 768 },
] as const)('the shape model $name in $precision', ({ name, precision, dimensions }) => {
  let spec: ModelSpec;
  let towers: Towers;
  beforeAll(async () => {
    const directory = join(folder, name);
    spec = await specOf(directory, {
      visionPath: join(directory, towerFile('vision', precision)),
      textPath: join(directory, towerFile('text', precision)),
    });
    towers = await loadTowers(spec, 1);
  });

  it('says how long its embeddings are, and gives such', async () => {
    const embeddings = [...(await towers.images([stripes(7)])), ...(await towers.texts([[49406, 320, 49407]]))];
    expect(spec.dimensions).toBe(dimensions);
    for (const embedding of embeddings) {
      expect(embedding).toHaveLength(dimensions);
      expect(embedding.every(Number.isFinite)).toBe(true);
      expect(sumOfSquares(embedding)).toBeCloseTo(1, 5);
    }
  });

  it('gives different images different embeddings', async () => {
    const [first, second] = (await towers.images([stripes(7), stripes(2000)])) as [Float32Array, Float32Array];
    expect(cosine(first, second)).toBeLessThan(0.99);
  });

  it('gives different texts different embeddings, whatever comes after their ends', async () => {
    const tokenizer = await loadTokenizer(spec);
    const texts = ['a cat', 'a rocket on a launch pad, seen from afar'].map((text) => tokenizer.encode(text).ids);
    const [cat, rocket] = (await towers.texts(texts)) as [Float32Array, Float32Array];
    expect(cosine(cat, rocket)).toBeLessThan(0.99);
    const [alone] = (await towers.texts(texts.slice(0, 1))) as [Float32Array];
    // In int8 the scale of a tensor is that of the whole run.
    expect(cosine(cat, alone)).toBeGreaterThan(precision === 'int8' ? 0.9 : 0.9999);
  });
});

describe('the folder of the shape models', () => {
  it('is built once, and leaves nothing half-built behind', () => {
    const built = statSync(join(folder, 'vit-l-14', 'config.json')).mtimeMs;
    expect(ensureShapeModels(cache)).toBe(folder);
    expect(statSync(join(folder, 'vit-l-14', 'config.json')).mtimeMs).toBe(built);
    expect(readdirSync(cache)).toHaveLength(1);
  });

  it('holds a ViT-L-14 of 1.6 GB in files of a few megabytes', () => {
    for (const tower of ['vision', 'text'] as const) {
      expect(statSync(join(folder, 'vit-l-14', towerFile(tower, 'fp32'))).size).toBeLessThan(4_000_000);
    }
  });
});
