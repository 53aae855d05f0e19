import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ImageRecipe, ModelSpec, TextRecipe } from '../../../../models/model.ts';
import { checkParity } from '../../../../models/parity/check.ts';
import { goldenClip, specOf, tinyClipFolder } from '../../../../testing/model-folders.ts';
import { modelProto } from '../../../../testing/onnx/schema.ts';
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

/** The end of a graph that adds an output: the absolute values of `pooler_output`. */
const absoluteOutput = modelProto
  .encode(
    modelProto.fromObject({
      graph: {
        node: [{ input: ['pooler_output'], output: ['absolute'], name: 'absolute', op_type: 'Abs' }],
        output: [{ name: 'absolute', type: { tensor_type: { elem_type: 1 } } }],
      },
    }),
  )
  .finish();

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

  test.each(['image', 'text'] as const)(
    'names the output of the %s tower where the last hidden state is taken, and the one that agrees',
    async (side) => {
      const spec = await familySpec('siglip', sigmoids.siglip);
      const path = writeGolden('siglip', goldenFamily('siglip'), 'embeddings');
      const outputs = { ...spec.outputs, [side]: ['last_hidden_state'] };
      const { findings } = await checkParity({ ...spec, outputs }, path);
      expect(findings).toMatchObject([{ side, cause: 'output', to: 'pooler_output' }]);
      expect(findings[0]?.from).toContain('last_hidden_state');
    },
  );

  test.each(['image', 'text'] as const)(
    'names the output of the %s tower where another matrix of the same size is taken',
    async (side) => {
      const spec = await familySpec('siglip', sigmoids.siglip);
      const path = writeGolden('siglip', goldenFamily('siglip'), 'embeddings');
      const tower = side === 'image' ? 'visionPath' : 'textPath';
      const twoOutputs = join(directory, `two-outputs-${side}.onnx`);
      writeFileSync(twoOutputs, Buffer.concat([readFileSync(spec[tower]), absoluteOutput]));
      const outputs = { ...spec.outputs, [side]: ['absolute'] };
      const { findings } = await checkParity({ ...spec, [tower]: twoOutputs, outputs }, path);
      expect(findings).toEqual([{ side, cause: 'output', from: 'absolute', to: 'pooler_output' }]);
    },
  );

  test('names the length where the graph reads fewer tokens than the model has', async () => {
    const spec = await familySpec('pe');
    const path = writeGolden('pe', goldenFamily('pe'), 'embeddings');
    const { findings } = await checkParity(changed(spec, { text: { maxTokens: 77 } }), path);
    expect(findings).toMatchObject([{ side: 'text', cause: 'length', from: expect.stringContaining('32 tokens') }]);
  });

  describe('of token ids', () => {
    /** Golden values whose embeddings agree whatever the texts. */
    const idsAlone = (change: (ids: number[], at: number) => number[]) => {
      const path = writeGolden('siglip', goldenFamily('siglip'), 'embeddings');
      const { texts, ...golden } = JSON.parse(readFileSync(path, 'utf8'));
      const other = join(directory, 'siglip-embeddings', 'ids.json');
      const changedTexts = texts.map((text: { ids: number[] }, at: number) => ({ ...text, ids: change(text.ids, at) }));
      writeFileSync(other, JSON.stringify({ ...golden, texts: changedTexts, embeddingTolerance: { fp32: 1.9 } }));
      return other;
    };

    test('names the cleaning of which they come', async () => {
      const spec = await familySpec('siglip', sigmoids.siglip);
      const path = idsAlone((ids) => ids);
      expect((await checkParity(spec, path)).state).toBe('agrees');
      const { findings } = await checkParity(changed(spec, { text: { clean: 'openclip' } }), path);
      expect(findings).toMatchObject([{ side: 'text', cause: 'cleaning', to: 'siglip' }]);
    });

    test('names the tokenizer where no recipe gives them, and another padding', async () => {
      const spec = await familySpec('siglip', sigmoids.siglip);
      const other = await checkParity(
        spec,
        idsAlone((ids, at) => (at === 3 ? [9, ...ids.slice(1)] : ids)),
      );
      expect(other.findings).toMatchObject([
        { side: 'text', cause: 'tokenizer', from: expect.stringContaining('café') },
      ]);
      const padded = await checkParity(
        spec,
        idsAlone((ids) => ids.map((id, at) => (id === 1 && ids[at - 1] === 1 ? 0 : id))),
      );
      expect(padded.findings).toMatchObject([{ side: 'text', cause: 'padding', to: 'padded with 0 to 64' }]);
    });
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
