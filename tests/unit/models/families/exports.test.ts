import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadTowers } from '../../../../models/encoder/towers.ts';
import type { StatedFacts } from '../../../../models/families/family.ts';
import type { ModelSpec, Precision } from '../../../../models/model.ts';
import { readModelFolder } from '../../../../models/registry/folder.ts';
import { filesOf, type HubSource } from '../../../../models/registry/layouts.ts';
import { specOf, tinyClipFolder } from '../../../../testing/model-folders.ts';
import { compareWithGolden, dot, familyFolder, goldenFamily, measure } from '../../../support/golden-family.ts';

const directory = mkdtempSync(join(tmpdir(), 'vls-exports-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** The spec of a repository once it is pulled: its files lie where the service looks for them. */
async function pulled(
  name: string,
  source: Omit<HubSource, 'revision'>,
  { precision = 'fp32', ...stated }: StatedFacts & { precision?: Precision } = {},
): Promise<ModelSpec> {
  const folder = join(directory, `${name}-${precision}`);
  for (const { path, local } of filesOf({ ...source, revision: 'main' }, precision)) {
    const from = local.startsWith('tokenizer') ? join(tinyClipFolder, local) : join(familyFolder(name), path);
    mkdirSync(dirname(join(folder, local)), { recursive: true });
    cpSync(from, join(folder, local));
  }
  const towers = filesOf({ ...source, revision: 'main' }, precision).filter(({ local }) => local.endsWith('.onnx'));
  const [vision, text] = towers.map(({ local }) => join(folder, local));
  return {
    ...(await specOf(tinyClipFolder)),
    ...(await readModelFolder(folder, stated)),
    ...{ precision, visionPath: vision ?? '', textPath: text ?? '' },
  };
}

describe("immich's", () => {
  const load = () => pulled('immich', { repo: 'immich-app/tiny', layout: 'immich' });
  compareWithGolden('immich', { load });

  test('graphs take one image and one text in a run', async () => {
    expect((await loadTowers(await load(), 1)).limits).toEqual({ images: 1, texts: 1 });
  });

  test('mean is that of its file: with the one of CLIP images differ', async () => {
    const spec = await load();
    const { image } = await specOf(tinyClipFolder);
    const golden = goldenFamily('immich');
    const { images } = await measure({ ...spec, image }, golden);
    const cosines = golden.images.map(({ embedding }, at) => dot(embedding, images[at] ?? []));
    expect(Math.min(...cosines)).toBeLessThan(0.99);
  });
});

describe.each([
  ['fp32', {}],
  // The file has no probabilities of fp16, so they are made of its cosines. 0.001 cannot be reached: the values were made
  // with ONNX Runtime 1.32, and 1.30 gives cosines that differ by up to 0.00094. A scale of 100 makes 0.0034 of them.
  // The reference itself differs by 0.0047 between fp16 and fp32.
  ['fp16', { half: true, cosine: 5e-3, probability: 5e-3 }],
] as const)("Marqo's at %s", (precision, tolerance) => {
  const clip = { mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711] } as const;
  const source = { repo: 'Marqo/onnx-open_clip-Tiny', layout: 'marqo', weights: 'golden' } as const;
  const load = () => pulled('clip-fp16', source, { precision, dimensions: 32, preprocess: clip });
  compareWithGolden('clip-fp16', { load, ...tolerance });
});

test("Marqo's repository is refused when nothing states mean and deviation", async () => {
  const source = { repo: 'Marqo/onnx-open_clip-Tiny', layout: 'marqo', weights: 'golden' } as const;
  await expect(pulled('clip-fp16', source, { dimensions: 32 })).rejects.toThrow('preprocessor_config.json');
});
