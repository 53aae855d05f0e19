import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readEntries } from '../../../../models/registry/entries.ts';
import { filesOf, type HubSource, isLocalName, precisionsOf } from '../../../../models/registry/layouts.ts';

const revision = 'a'.repeat(40);
const source = (layout: HubSource['layout'], more: Partial<HubSource> = {}): HubSource => ({
  repo: 'someone/clip',
  revision,
  layout,
  ...more,
});
/** From local name to `<repository>:<path>`. */
const places = (from: HubSource, precision: 'fp32' | 'fp16' | 'int8' = 'fp32') =>
  Object.fromEntries(filesOf(from, precision).map(({ local, repo, path }) => [local, `${repo}:${path}`]));

describe('the files of a model', () => {
  test('lie in the layout xenova where the service looks for them', () => {
    for (const { local, path } of filesOf(source('xenova'), 'fp32')) expect(local).toBe(path);
    expect(Object.keys(places(source('xenova'))).sort()).toEqual([
      'config.json',
      'onnx/text_model.onnx',
      'onnx/vision_model.onnx',
      'preprocessor_config.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
  });

  test.each([
    ['fp32', 'onnx/vision_model.onnx'],
    ['fp16', 'onnx/vision_model_fp16.onnx'],
    ['int8', 'onnx/vision_model_quantized.onnx'],
  ] as const)('at %s have the suffix of that precision', (precision, file) => {
    expect(places(source('xenova'), precision)).toHaveProperty([file], `someone/clip:${file}`);
  });

  test('lie in the layout immich in one folder for each tower', () => {
    expect(places(source('immich'))).toEqual({
      'config.json': 'someone/clip:config.json',
      'preprocess_cfg.json': 'someone/clip:visual/preprocess_cfg.json',
      'tokenizer.json': 'someone/clip:textual/tokenizer.json',
      'tokenizer_config.json': 'someone/clip:textual/tokenizer_config.json',
      'onnx/vision_model.onnx': 'someone/clip:visual/model.onnx',
      'onnx/text_model.onnx': 'someone/clip:textual/model.onnx',
    });
  });

  test('lie in the layout qdrant in two repositories, each at its revision', () => {
    const text = { repo: 'someone/text', revision: 'b'.repeat(40) };
    const files = filesOf(source('qdrant', { text }), 'fp32');
    expect(files.find(({ local }) => local === 'onnx/text_model.onnx')).toEqual({
      ...text,
      path: 'model.onnx',
      local: 'onnx/text_model.onnx',
    });
    expect(files.find(({ local }) => local === 'onnx/vision_model.onnx')).toMatchObject({ revision });
    expect(() => filesOf(source('qdrant'), 'fp32')).toThrow('source.text');
  });

  test('are named in the layout marqo after repository, weights and precision', () => {
    const marqo = source('marqo', { repo: 'Marqo/onnx-open_clip-ViT-L-14' });
    const vision = 'onnx/vision_model.onnx';
    expect(places(marqo)[vision]).toBe('Marqo/onnx-open_clip-ViT-L-14:onnx32-open_clip-ViT-L-14-openai-visual.onnx');
    expect(places({ ...marqo, weights: 'laion2b' }, 'fp16')['onnx/text_model_fp16.onnx']).toBe(
      'Marqo/onnx-open_clip-ViT-L-14:onnx16-open_clip-ViT-L-14-laion2b-textual.onnx',
    );
  });

  test('take the tokenizer from another repository when the source names one', () => {
    const tokenizer = { repo: 'someone/tokenizer', revision };
    expect(places(source('immich', { tokenizer }))['tokenizer.json']).toBe('someone/tokenizer:tokenizer.json');
  });

  test.each(['immich', 'qdrant', 'marqo'] as const)('at int8 are not in the layout %s, which says so', (layout) => {
    expect(precisionsOf(layout)).not.toContain('int8');
    expect(() => filesOf(source(layout), 'int8')).toThrow('fp32');
  });

  test('of all precisions may have hashes in the registry', () => {
    expect(isLocalName(source('xenova'), 'onnx/text_model_quantized.onnx')).toBe(true);
    expect(isLocalName(source('xenova'), 'onnx/text_model.onnx_data')).toBe(true);
    expect(isLocalName(source('immich'), 'onnx/text_model.weights/model.onnx.data')).toBe(true);
    expect(isLocalName(source('xenova'), 'onnx/text_model.data')).toBe(false);
  });
});

describe('a registry entry', () => {
  let directory: string;
  let overlay: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'vls-layouts-'));
    overlay = join(directory, 'overlay.json');
  });
  afterEach(() => rm(directory, { recursive: true }));

  const config = () => ({ dataDir: directory, modelsFile: overlay, model: undefined });
  async function entriesWith(entry: unknown) {
    await writeFile(overlay, JSON.stringify({ models: { mine: entry } }));
    return await readEntries(config());
  }
  const hub = { type: 'huggingface', repo: 'someone/clip', layout: 'xenova' };

  test.each([
    ['in its source', { source: { ...hub, revision } }],
    ['beside its source', { source: hub, revision }],
    ['in both places', { source: { ...hub, revision }, revision }],
  ])('may have its revision %s', async (_where, entry) => {
    const found = (await entriesWith(entry)).find('mine');
    expect(found).toMatchObject({
      revision,
      source: { revision },
      directory: join(directory, 'models/mine', revision),
    });
  });

  test.each([
    ['no revision', { source: hub }, 'models.mine.source.revision'],
    ['two revisions', { source: { ...hub, revision }, revision: 'main' }, 'models.mine.revision'],
    ['a revision that leads elsewhere', { source: { ...hub, revision: '../..' } }, 'models.mine.source.revision'],
    ['a layout nobody knows', { source: { ...hub, revision, layout: 'keras' } }, 'models.mine.source.layout'],
    ['a repository without an owner', { source: { ...hub, revision, repo: 'clip' } }, 'models.mine.source.repo'],
    [
      'no dimensions where the layout has none',
      { source: { ...hub, revision, layout: 'marqo' } },
      'models.mine.dimensions',
    ],
    [
      'no tokenizer in the layout marqo for a family with another vocabulary',
      { source: { ...hub, revision, layout: 'marqo' }, dimensions: 768, family: 'siglip' },
      'models.mine.source.tokenizer',
    ],
    [
      'no text repository in the layout qdrant',
      { source: { ...hub, revision, layout: 'qdrant' }, dimensions: 512 },
      'models.mine.source.text',
    ],
    [
      'a precision that its layout lacks',
      { source: { ...hub, revision, layout: 'immich' }, dimensions: 512, precision: 'int8' },
      'models.mine.precision',
    ],
    [
      'a hash for a file that is none of the model’s',
      { source: { ...hub, revision }, files: { 'vision_model.onnx': { sha256: 'c'.repeat(64) } } },
      'models.mine.files["vision_model.onnx"]',
    ],
  ])('with %s is refused by file, entry and field', async (_what, entry, field) => {
    const message = await entriesWith(entry).then(
      () => 'loaded',
      (error: Error) => error.message,
    );
    expect(message).toContain(overlay);
    expect(message).toContain(field);
  });

  test('of the overlay goes before the one that was added, and that before the built-in one', async () => {
    const folder = (path: string) => ({ source: { type: 'folder', path } });
    const added = { models: { 'compact-1': folder('/added'), mine: folder('/added') } };
    await writeFile(join(directory, 'models.json'), JSON.stringify(added));
    const { models } = await entriesWith(folder('/overlay'));
    expect(models.get('compact-1')?.directory).toBe('/added');
    expect(models.get('mine')?.directory).toBe('/overlay');
  });

  test('built in for a hub has a commit for its revision, and hashes', async () => {
    const { models } = await readEntries({ ...config(), modelsFile: undefined });
    for (const name of ['vit-b-32', 'vit-l-14']) {
      expect(models.get(name)?.revision).toMatch(/^[0-9a-f]{40}$/);
      expect(models.get(name)?.files).toHaveProperty(['onnx/vision_model.onnx']);
    }
  });
});
