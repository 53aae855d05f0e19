import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadTowers, type Towers } from '../../../../models/encoder/towers.ts';
import type { ModelSpec } from '../../../../models/model.ts';
import { parityTexts } from '../../../../models/parity/inputs.ts';
import { driftOf } from '../../../../models/quantization/drift.ts';
import { madePath } from '../../../../models/registry/made.ts';
import { loadTokenizer } from '../../../../models/texts/tokenizer.ts';
import { compactFolder, goldenClip, specOf, tinyClipFolder } from '../../../../testing/model-folders.ts';
import { cropFor, dot, familySpec } from '../../../support/golden-family.ts';

const directory = mkdtempSync(join(tmpdir(), 'vls-int8-'));
afterAll(() => rmSync(directory, { recursive: true }));

const sigmoid = { logitScale: 100, logitBias: -10 };

/**
 * Bounds of the drift of cosines. `compact` is a trained model. The others have random weights and rows of 32 to 64
 * values, of which an embedding averages too few: their largest drift is above 0.01.
 */
const models: [string, () => Promise<ModelSpec>, { mean: number; largest: number }][] = [
  ['compact', () => specOf(compactFolder), { mean: 0.004, largest: 0.01 }],
  ['tiny-clip', () => specOf(tinyClipFolder), { mean: 0.01, largest: 0.04 }],
  ['mobileclip', () => familySpec('mobileclip'), { mean: 0.01, largest: 0.04 }],
  ['pe', () => familySpec('pe'), { mean: 0.02, largest: 0.07 }],
  ['xlm', () => familySpec('xlm'), { mean: 0.015, largest: 0.06 }],
  ['chinese-clip', () => familySpec('chinese-clip'), { mean: 0.015, largest: 0.06 }],
  ['siglip', () => familySpec('siglip', sigmoid), { mean: 0.01, largest: 0.04 }],
  ['siglip2', () => familySpec('siglip2', sigmoid), { mean: 0.01, largest: 0.04 }],
];

/** The spec with int8 towers, as the registry makes it. */
function inInt8(spec: ModelSpec, name: string): ModelSpec {
  const to = (from: string) => madePath(from, join(directory, name));
  const sources = [...new Set([spec.visionPath, spec.textPath])];
  return {
    ...spec,
    precision: 'int8-rows-1',
    visionPath: to(spec.visionPath),
    textPath: to(spec.textPath),
    made: sources.map((from) => ({ from, to: to(from) })),
  };
}

describe.each(models)('%s in int8', (name, load, bounds) => {
  let pixels: Uint8Array[];
  let ids: number[][];
  let exact: Towers;
  let int8: Towers;
  beforeAll(async () => {
    const spec = await load();
    const tokenizer = await loadTokenizer(spec);
    pixels = await Promise.all(goldenClip.images.slice(0, 8).map(({ file }) => cropFor(spec, file)));
    const texts = [...goldenClip.texts.slice(0, 18).map(({ text }) => text), ...parityTexts];
    ids = texts.map((text) => tokenizer.encode(text).ids);
    exact = await loadTowers(spec, 1);
    int8 = await loadTowers(inInt8(spec, name), 1);
  });

  test('is made at the first load, and its cosines are near to those in fp32', async () => {
    const cosinesOf = async (towers: Towers) => {
      const [images, texts] = [await towers.images(pixels), await towers.texts(ids)];
      return images.flatMap((image) => texts.map((text) => dot(image, text)));
    };
    const drift = driftOf(await cosinesOf(exact), await cosinesOf(int8));
    expect(drift.mean).toBeLessThan(bounds.mean);
    expect(drift.largest).toBeLessThan(bounds.largest);
    // Otherwise the towers were those in fp32.
    expect(drift.largest).toBeGreaterThan(1e-4);
  });

  test('gives an image and a text the same embedding alone and in a run of eight', async () => {
    const worst = (a: Float32Array | undefined, b: Float32Array | undefined) =>
      Math.max(...Array.from(a ?? [Number.NaN], (value, at) => Math.abs(value - (b?.[at] ?? Number.NaN))));
    const together = await int8.images(pixels);
    for (const at of [0, pixels.length - 1]) {
      const [alone] = await int8.images([pixels[at] as Uint8Array]);
      expect(worst(alone, together[at])).toBeLessThan(1e-6);
    }
    // The last text is longer than any limit, so the others are padded.
    const eight = [0, 3, 6, 9, 12, 15, 18, ids.length - 1].map((at) => ids[at] as number[]);
    const rows = await int8.texts(eight);
    for (const [at, text] of eight.entries()) {
      const [alone] = await int8.texts([text]);
      expect(worst(alone, rows[at])).toBeLessThan(1e-6);
    }
  });
});
