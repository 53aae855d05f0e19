import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ImageRecipe, ModelSpec, TextRecipe } from '../../../../models/model.ts';
import { checkParity } from '../../../../models/parity/check.ts';
import { goldenClip, specOf, tinyClipFolder } from '../../../../testing/model-folders.ts';
import { familySpec, type GoldenFamily, goldenFamily, sigmoids } from '../../../support/golden-family.ts';

const directory = mkdtempSync(join(tmpdir(), 'vls-parity-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Images that tell the steps apart: one that is not square, and one with transparency. */
const files = ['chelsea.jpg', 'coffee-rgba.png'];
type Reference = Pick<GoldenFamily, 'cosine'> & {
  images: { file: string; embedding: number[] }[];
  texts: { text: string; input_ids: number[]; embedding: number[] }[];
};

/** Writes golden values of a reference. @returns the path. */
function writeGolden(name: string, { images, texts, cosine }: Reference, kind: 'embeddings' | 'pairs'): string {
  const folder = join(directory, `${name}-${kind}`);
  mkdirSync(folder, { recursive: true });
  cpSync(join(tinyClipFolder, '..', 'images'), join(folder, 'images'), { recursive: true });
  const chosen = images.map((image, row) => ({ ...image, row })).filter(({ file }) => files.includes(file));
  const content =
    kind === 'embeddings'
      ? {
          images: chosen.map(({ file, embedding }) => ({ image: `images/${file}`, embedding })),
          texts: texts.map(({ text, input_ids: ids, embedding }) => ({ text, ids, embedding })),
        }
      : {
          tolerance: { fp32: 1e-4 },
          pairs: chosen.flatMap(({ file, row }) =>
            texts.map(({ text }, column) => ({ image: `images/${file}`, text, cosine: cosine[row]?.[column] })),
          ),
        };
  const path = join(folder, 'golden.json');
  writeFileSync(path, JSON.stringify({ source: 'of the test', ...content }));
  return path;
}

interface Changes {
  image?: Partial<ImageRecipe>;
  text?: Partial<TextRecipe>;
}
const changed = (spec: ModelSpec, { image, text }: Changes): ModelSpec => ({
  ...spec,
  image: { ...spec.image, ...image },
  text: { ...spec.text, ...text },
});
const half = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const;
const clip = { mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711] } as const;

interface Case {
  load(): Promise<ModelSpec>;
  reference: Reference;
  faults: [cause: string, changes: Changes][];
}
const cases: Record<string, Case> = {
  'tiny-clip': {
    load: () => specOf(tinyClipFolder),
    reference: goldenClip,
    faults: [
      ['mean', { image: half }],
      ['filter', { image: { filter: 'bilinear' } }],
      ['cleaning', { text: { clean: 'none' } }],
    ],
  },
  mobileclip: {
    load: () => familySpec('mobileclip'),
    reference: goldenFamily('mobileclip'),
    faults: [['padding', { text: { pad: 'end' } }]],
  },
  siglip: {
    load: () => familySpec('siglip', sigmoids.siglip),
    reference: goldenFamily('siglip'),
    faults: [
      ['mean', { image: clip }],
      ['filter', { image: { filter: 'bilinear' } }],
      ['crop', { image: { resize: 'crop' } }],
      ['transparency', { image: { rgb: 'after-resize' } }],
      ['padding', { text: { pad: 'end' } }],
      ['cleaning', { text: { clean: 'openclip' } }],
    ],
  },
  'chinese-clip': {
    load: () => familySpec('chinese-clip'),
    reference: goldenFamily('chinese-clip'),
    faults: [
      ['mask', { text: { mask: false } }],
      ['length', { text: { maxTokens: 77 } }],
    ],
  },
};

describe.each(Object.entries(cases))('%s', (name, { load, reference, faults }) => {
  let spec: ModelSpec;
  let path: string;
  beforeAll(async () => {
    spec = await load();
    path = writeGolden(name, reference, 'embeddings');
  });

  test('agrees with its golden values', async () => {
    const { state, findings, images, texts } = await checkParity(spec, path);
    expect({ state, findings }).toEqual({ state: 'agrees', findings: [] });
    expect(images.compared).toBeGreaterThan(0);
    expect(Math.min(images.lowest ?? 0, texts.lowest ?? 0)).toBeGreaterThan(0.9999);
  });

  test.each(faults)('has a wrong %s, and the check names it alone', async (cause, changes) => {
    const { state, findings } = await checkParity(changed(spec, changes), path);
    expect(state).toBe('differs');
    expect(findings.map((finding) => finding.cause)).toEqual([cause]);
    expect(findings[0]?.side).toBe(changes.image === undefined ? 'text' : 'image');
  });
});

describe('the check', () => {
  test('names a fault of each tower, and two faults of one', async () => {
    const spec = await familySpec('siglip', sigmoids.siglip);
    const path = writeGolden('siglip', goldenFamily('siglip'), 'embeddings');
    const wrong = changed(spec, { image: { ...clip, filter: 'bilinear' }, text: { pad: 'end' } });
    const { findings } = await checkParity(wrong, path);
    expect(findings.map(({ side, cause }) => [side, cause])).toEqual([
      ['image', 'mean'],
      ['image', 'filter'],
      ['text', 'padding'],
    ]);
    expect(findings[0]?.to).toContain('mean 0.5 0.5 0.5');
  });

  test('names the cause from pairs alone, which do not tell the towers apart', async () => {
    const path = writeGolden('siglip', goldenFamily('siglip'), 'pairs');
    const spec = await familySpec('siglip', sigmoids.siglip);
    expect((await checkParity(spec, path)).state).toBe('agrees');
    const { findings } = await checkParity(changed(spec, { text: { pad: 'end' } }), path);
    expect(findings.map(({ side, cause }) => [side, cause])).toEqual([['text', 'padding']]);
  });

  test('names the output where the graph gives the last hidden state', async () => {
    const spec = await familySpec('siglip', sigmoids.siglip);
    const path = writeGolden('siglip', goldenFamily('siglip'), 'embeddings');
    const outputs = { ...spec.outputs, image: ['last_hidden_state'] };
    const { findings } = await checkParity({ ...spec, outputs }, path);
    expect(findings).toMatchObject([{ side: 'image', cause: 'output' }]);
    expect(findings[0]?.from).toContain('last_hidden_state');
  });

  test('names scale and bias that differ from those of the reference', async () => {
    const spec = await familySpec('siglip2', sigmoids.siglip);
    const path = writeGolden('siglip2', goldenFamily('siglip2'), 'embeddings');
    const { logitScale: scale, logitBias: bias } = sigmoids.siglip2;
    const golden = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ ...golden, probability: { scale, bias } }));
    const { findings } = await checkParity(spec, path);
    expect(findings).toMatchObject([{ side: 'model', cause: 'probability', to: `scale ${scale}, bias ${bias}` }]);
  });

  test('says that no recipe reproduces the values of other weights', async () => {
    const path = writeGolden('tiny-clip', goldenClip, 'embeddings');
    const spec = await specOf(tinyClipFolder);
    const golden = JSON.parse(readFileSync(path, 'utf8'));
    const images = golden.images.map((image: { embedding: number[] }) => ({
      ...image,
      embedding: image.embedding.toReversed(),
    }));
    const other = join(directory, 'tiny-clip-embeddings', 'other.json');
    writeFileSync(other, JSON.stringify({ ...golden, images }));
    const { findings } = await checkParity(spec, other);
    expect(findings).toMatchObject([{ side: 'image', cause: 'unknown' }]);
  });
});
