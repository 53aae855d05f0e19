import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ModelSpec, Precision } from '../../../models/model.ts';
import { folderHub } from '../../../models/pulling/folder-hub.ts';
import { pull } from '../../../models/pulling/pull.ts';
import { verify } from '../../../models/pulling/verify.ts';
import { type HubEntry, isHubEntry, readEntries } from '../../../models/registry/entries.ts';
import { onCpu } from '../../../models/registry/execution.ts';
import { readSpec } from '../../../models/registry/spec.ts';
import { goldenClip, tinyClipFolder } from '../../../testing/model-folders.ts';
import { dot, type GoldenFamily, goldenFamily, measure } from '../../support/golden-family.ts';
import { writeHubCache } from '../../support/hub/cache.ts';
import { clipTokenizer, type Files, family, filesIn, moved, outside } from '../../support/hub/golden-repositories.ts';
import type { HubRepo } from '../../support/hub/repository.ts';
import { type HubServer, startHub } from '../../support/hub/server.ts';
import { commit, failureOf, pullTiny } from '../../support/hub/tiny-model.ts';
import { putWeightsOutside } from '../../support/hub/weights-outside.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-layouts-'));
});
afterEach(() => rm(directory, { recursive: true }));

interface Case {
  layout: string;
  repos: Record<string, HubRepo>;
  source: object;
  entry?: object;
  golden: GoldenFamily;
  precision?: Precision;
  /** The largest distance of a cosine. */
  tolerance?: number;
  /** Local names of the files that are neither configuration nor graphs. */
  also: string[];
}

const repo = 'someone/model';
const clipGolden = { ...goldenClip, preprocess: { size: 224 }, probability: [] } as unknown as GoldenFamily;
const clipValues = { mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711] };
const tinyClip = filesIn(tinyClipFolder);
const only = (files: Files, ...names: string[]): Files =>
  Object.fromEntries(Object.entries(files).filter(([name]) => names.includes(name)));
const tower = (name: 'vision' | 'text') => ({ 'model.onnx': tinyClip[`onnx/${name}_model.onnx`] ?? Buffer.alloc(0) });
const textCommit = 'b'.repeat(40);
const xenovaClip = 'Xenova/clip-vit-base-patch32';

const marqoRepos = {
  [repo.replace('model', 'onnx-open_clip-Tiny')]: { commit, files: outside(family('clip-fp16'), '.data') },
  [xenovaClip]: { commit: '4c1807b705b1d015fb032789cc4d221b23025a6f', files: clipTokenizer() },
};
const marqo = {
  layout: 'marqo',
  repos: marqoRepos,
  source: { repo: 'someone/onnx-open_clip-Tiny', weights: 'golden' },
  entry: { dimensions: 32, preprocess: clipValues },
  golden: goldenFamily('clip-fp16'),
};

const cases: Case[] = [
  {
    layout: 'xenova',
    repos: { [repo]: { commit, files: outside(family('siglip'), '_data') } },
    source: { repo },
    entry: { logitScale: 117.33, logitBias: -12.93 },
    golden: goldenFamily('siglip'),
    also: ['onnx/text_model.onnx_data', 'onnx/vision_model.onnx_data', 'spiece.model'],
  },
  {
    layout: 'onnx-community',
    repos: { [repo]: { commit, files: family('siglip2') } },
    source: { repo },
    entry: { logitScale: 112.67, logitBias: -16.77 },
    golden: goldenFamily('siglip2'),
    also: ['onnx/text_model.onnx_data', 'tokenizer.model'],
  },
  {
    layout: 'one-file',
    repos: { [repo]: { commit, files: outside(family('chinese-clip'), '_data') } },
    source: { repo },
    golden: goldenFamily('chinese-clip'),
    also: ['onnx/model.onnx_data'],
  },
  {
    layout: 'open-clip',
    repos: {
      [repo]: {
        commit,
        files: { ...outside(moved(family('mobileclip'), 'onnx/', 'export/'), '.data'), ...clipTokenizer() },
      },
    },
    source: { repo, folder: 'export' },
    golden: goldenFamily('mobileclip'),
    also: ['onnx/text_model.onnx.data', 'onnx/vision_model.onnx.data'],
  },
  {
    layout: 'xenova',
    repos: {
      [repo]: {
        commit,
        files: {
          ...moved(outside(family('mobileclip'), '_data'), 'onnx/', 'onnx/s0/'),
          'preprocessor_config.json': Buffer.from('{ "size": { "shortest_edge": 8 } }'),
          'onnx/s0/preprocessor_config.json': family('mobileclip')['preprocessor_config.json'] ?? Buffer.alloc(0),
          ...clipTokenizer(),
        },
      },
    },
    source: { repo, folder: 'onnx/s0' },
    golden: goldenFamily('mobileclip'),
    also: ['onnx/text_model.onnx_data', 'onnx/vision_model.onnx_data'],
  },
  {
    layout: 'immich',
    repos: { [repo]: { commit, files: { ...outside(family('immich'), '.data'), ...clipTokenizer('textual/') } } },
    source: { repo },
    golden: goldenFamily('immich'),
    also: ['onnx/text_model.weights/model.onnx.data', 'onnx/vision_model.weights/model.onnx.data'],
  },
  {
    layout: 'qdrant',
    repos: {
      [repo]: {
        commit,
        files: { ...outside(tower('vision'), '_data'), ...only(tinyClip, 'preprocessor_config.json') },
      },
      'someone/text': { commit: textCommit, files: { ...outside(tower('text'), '_data'), ...clipTokenizer() } },
    },
    source: { repo, text: { repo: 'someone/text', revision: textCommit } },
    entry: { dimensions: 32 },
    golden: clipGolden,
    also: ['onnx/text_model.weights/model.onnx_data', 'onnx/vision_model.weights/model.onnx_data'],
  },
  {
    ...marqo,
    precision: 'fp32',
    also: [
      'onnx/text_model.weights/onnx32-open_clip-Tiny-golden-textual.onnx.data',
      'onnx/vision_model.weights/onnx32-open_clip-Tiny-golden-visual.onnx.data',
    ],
  },
  {
    ...marqo,
    precision: 'fp16',
    tolerance: 5e-3,
    also: [
      'onnx/text_model_fp16.weights/onnx16-open_clip-Tiny-golden-textual.onnx.data',
      'onnx/vision_model_fp16.weights/onnx16-open_clip-Tiny-golden-visual.onnx.data',
    ],
  },
];

async function entryOf({ layout, source, entry = {} }: Pick<Case, 'layout' | 'source' | 'entry'>): Promise<HubEntry> {
  const modelsFile = join(directory, 'models.json');
  const written = { source: { type: 'huggingface', layout, revision: commit, ...source }, ...entry };
  await writeFile(modelsFile, JSON.stringify({ models: { tested: written } }));
  const found = (await readEntries({ dataDir: join(directory, 'data'), modelsFile, model: undefined })).find('tested');
  if (found === undefined || !isHubEntry(found)) throw new Error('the entry is not there');
  return found;
}

/** Compares the first images and texts with those of the reference. */
async function compare(spec: ModelSpec, golden: GoldenFamily, tolerance = 1e-4): Promise<void> {
  const some = { ...golden, images: golden.images.slice(0, 2), texts: golden.texts.slice(0, 6) };
  const { images, texts } = await measure(spec, some);
  for (const [at, { embedding }] of some.images.entries()) {
    expect(dot(images[at] ?? [], embedding)).toBeGreaterThan(1 - tolerance);
  }
  for (const [at, { embedding }] of some.texts.entries()) {
    expect(dot(texts[at] ?? [], embedding)).toBeGreaterThan(1 - tolerance);
  }
}

/** Names of the pulled files that are neither configuration nor graphs. */
const alsoHere = async ({ directory: folder }: HubEntry): Promise<string[]> =>
  Object.keys(JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')).files)
    .filter((name) => !/\.(json|onnx)$/.test(name))
    .sort();

/** Stops a pull in the middle of a file. */
async function stopIn(local: string, made: Case, hub: HubServer, entry: HubEntry): Promise<void> {
  const name = local.slice(local.lastIndexOf('/') + 1);
  const [path, bytes] = Object.values(made.repos)
    .flatMap(({ files }) => Object.entries(files))
    .find(([at]) => at.endsWith(`/${name}`) || at === name) ?? ['', Buffer.alloc(0)];
  const half = Math.floor(bytes.length / 2);
  hub.mishaps.push({ file: path, stallAfter: half });
  const stop = new AbortController();
  const failure = await failureOf(
    pullTiny(hub, entry, {
      precisions: [made.precision ?? 'fp32'],
      signal: stop.signal,
      onEvent(event) {
        if (event.type === 'progress' && event.received === half) stop.abort();
      },
    }),
  );
  expect(failure.code).toBe('stopped');
}

describe.each(cases)('the layout $layout with $also.0', (made) => {
  const { golden, precision = 'fp32', tolerance, also } = made;
  test('is pulled with its weights and tokenizer, continues where it was stopped, and gives the golden values', async () => {
    const hub = await startHub(made.repos);
    const entry = await entryOf(made);
    const largest = also.find((name) => /data$/.test(name)) ?? '';
    await stopIn(largest, made, hub, entry);
    const before = hub.downloads().length;
    expect(await pullTiny(hub, entry, { precisions: [precision] })).toMatchObject({ outcome: 'pulled', warnings: [] });
    expect(
      hub
        .downloads()
        .slice(before)
        .map(({ range }) => range),
    ).toContainEqual(expect.stringMatching(/^bytes=[1-9]/));
    expect(hub.requests.filter(({ status }) => status >= 400)).toEqual([]);

    expect(await alsoHere(entry)).toEqual(also);
    expect(await verify(entry)).toMatchObject({ state: 'intact' });
    expect(await pullTiny(hub, entry, { precisions: [precision] })).toMatchObject({ outcome: 'present' });
    const spec = await readSpec(entry, { ...onCpu, precision });
    if (also.some((name) => name.endsWith('.model'))) expect(spec.text.version).toMatch(/-sentencepiece$/);
    await compare(spec, golden, tolerance);
  });
});

describe('weights outside a graph', () => {
  const [siglip2] = cases.filter(({ layout }) => layout === 'onnx-community') as [Case];
  const withGraphOf = (location: string, more: Files = {}): Case => {
    const { 'onnx/text_model.onnx_data': _data, ...files } = family('siglip2');
    const { graph, data } = putWeightsOutside(family('siglip')['onnx/text_model.onnx'] ?? Buffer.alloc(0), location);
    const named = location.startsWith('.') ? {} : { [`onnx/${location}`]: data };
    return {
      ...siglip2,
      repos: { [repo]: { commit, files: { ...files, 'onnx/text_model.onnx': graph, ...named, ...more } } },
    };
  };

  test('under a name of its own are found by the graph that names them', async () => {
    const made = withGraphOf('shared/weights.bin');
    const entry = await entryOf(made);
    await pullTiny(await startHub(made.repos), entry);
    expect(await alsoHere(entry)).toEqual(['onnx/shared/weights.bin', 'tokenizer.model']);
    expect(await verify(entry)).toMatchObject({ state: 'intact' });
  });

  test.each([
    ['that the repository lacks', 'absent.data', { 'onnx/absent.data': undefined }, 'not_found', 'absent.data'],
    ['in another folder of the machine', '../../secret', {}, 'unusable', 'outside its folder'],
  ])('%s are refused by name', async (_what, location, without, code, said) => {
    const made = withGraphOf(location);
    const files = Object.fromEntries(
      Object.entries(made.repos[repo]?.files ?? {}).filter(([name]) => !(name in without)),
    );
    const failure = await failureOf(pullTiny(await startHub({ [repo]: { commit, files } }), await entryOf(made)));
    expect(failure).toMatchObject({ code, message: expect.stringContaining(said) });
  });

  test('are fetched again when they are missing or damaged', async () => {
    const hub = await startHub(siglip2.repos);
    const entry = await entryOf(siglip2);
    await pullTiny(hub, entry);
    const weights = join(entry.directory, 'onnx/text_model.onnx_data');
    await rm(weights);
    expect(await verify(entry)).toMatchObject({ state: 'damaged' });
    expect(await pullTiny(hub, entry)).toMatchObject({ outcome: 'pulled' });
    await writeFile(weights, 'other bytes');
    expect(await pullTiny(hub, entry, { repair: true })).toMatchObject({ outcome: 'pulled' });
    expect(await verify(entry)).toMatchObject({ state: 'intact' });
  });

  test('and optional files are found one by one where a mirror keeps no lists', async () => {
    const hub = await startHub(siglip2.repos);
    hub.weather.hasNoApi = true;
    const entry = await entryOf(siglip2);
    expect(await pullTiny(hub, entry)).toMatchObject({ outcome: 'pulled' });
    expect(await alsoHere(entry)).toEqual(siglip2.also);
  });

  test('come from a copied cache of the hub too', async () => {
    await writeHubCache(directory, repo, siglip2.repos[repo] as HubRepo);
    const entry = await entryOf(siglip2);
    expect(await pull(entry, { hub: folderHub(directory) })).toMatchObject({ outcome: 'pulled', warnings: [] });
    expect(await alsoHere(entry)).toEqual(siglip2.also);
  });
});
