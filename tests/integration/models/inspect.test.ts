import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createGuardedFetch } from '../../../images/guarded-fetch.ts';
import { httpHub } from '../../../models/pulling/http-hub.ts';
import { type InspectChoice, type Inspected, inspect } from '../../../models/pulling/inspect.ts';
import { addEntry } from '../../../models/registry/added.ts';
import { isHubEntry, readEntries } from '../../../models/registry/entries.ts';
import { loadRegistry } from '../../../models/registry/registry.ts';
import { tinyClipFolder } from '../../../testing/model-folders.ts';
import { clipTokenizer, type Files, family, filesIn, moved, outside } from '../../support/hub/golden-repositories.ts';
import { type HubServer, startHub } from '../../support/hub/server.ts';
import { commit, failureOf, pullTiny } from '../../support/hub/tiny-model.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-inspected-'));
});
afterEach(() => rm(directory, { recursive: true }));

const repo = 'someone/model';
const textCommit = 'b'.repeat(40);
const tinyClip = filesIn(tinyClipFolder);
const sigmoid = { logitScale: 117.33, logitBias: -12.93 };

function look(hub: HubServer, name = repo, choice: InspectChoice = {}, revision = 'main'): Promise<Inspected> {
  const fetch = createGuardedFetch(hub.url, { allow: [new URL(hub.url).host, ...hub.allow.split(',')] });
  const client = httpHub({ endpoint: hub.url, fetch });
  return inspect({ repo: name, revision }, { hub: client, choice, retryDelayMs: 0 });
}

const hubWith = (files: Files, more: object = {}) => startHub({ [repo]: { commit, files, ...more } });
const pick = (files: Files, ...names: string[]): Files =>
  Object.fromEntries(Object.entries(files).filter(([name]) => names.includes(name)));

const marqoName = 'someone/onnx-open_clip-Tiny';
const folders = {
  ...moved(family('mobileclip'), 'onnx/', 'onnx/s0/'),
  ...moved(pick(family('mobileclip'), 'onnx/text_model.onnx', 'onnx/vision_model.onnx'), 'onnx/', 'onnx/s2/'),
  ...clipTokenizer(),
};

describe('a repository', () => {
  test.each<[layout: string, files: Files, choice: InspectChoice, found: object]>([
    ['xenova', family('siglip'), sigmoid, { layout: 'xenova' }],
    ['one-file', family('chinese-clip'), {}, { layout: 'one-file' }],
    ['open-clip', pickOpenClip(), {}, { layout: 'open-clip' }],
    ['xenova with a folder', folders, { folder: 'onnx/s0' }, { layout: 'xenova', folder: 'onnx/s0' }],
    ['immich', { ...outside(family('immich'), '.data'), ...clipTokenizer('textual/') }, {}, { layout: 'immich' }],
  ])('in the layout %s is added by its name, pulled and resolved', async (_layout, files, choice, found) => {
    const hub = await hubWith(files, { card: { license: 'mit', language: 'en' } });
    const inspected = await look(hub, repo, choice);
    expect(hub.downloads().filter(({ path }) => /onnx/.test(path))).toEqual([]);
    expect(inspected.source).toEqual({ repo, revision: commit, ...found });

    const config = { dataDir: directory, modelsFile: undefined, model: undefined };
    await addEntry(config, inspected.entry, { model: 'added', profile: 'mine' });
    const entry = (await readEntries(config)).find('mine');
    if (entry === undefined || !isHubEntry(entry)) throw new Error('the entry is not there');
    expect(entry).toMatchObject({ licence: 'mit', languages: ['en'], dimensions: inspected.facts.dimensions });
    const pulled = await pullTiny(hub, entry);
    expect(pulled).toMatchObject({ outcome: 'pulled', warnings: [] });
    const { spec } = await (await loadRegistry(config)).resolve('mine');
    expect(spec.family).toBe(inspected.facts.family);
    expect(Object.keys(entry.files)).toEqual(
      expect.arrayContaining(Object.keys(files).filter((name) => /^onnx\/[^/]*\.onnx/.test(name))),
    );
  });

  test('of onnx-community has texts of SigLIP 2 in fp32 where images may have fp16', async () => {
    const name = 'onnx-community/siglip2-tiny-ONNX';
    const half = moved(pick(family('siglip2'), 'onnx/vision_model.onnx'), 'model.onnx', 'model_fp16.onnx');
    const hub = await startHub({ [name]: { commit, files: { ...family('siglip2'), ...half } } });
    const { source, precisions, entry, facts } = await look(hub, name, sigmoid);
    expect(source).toEqual({ repo: name, revision: commit, layout: 'onnx-community' });
    expect(precisions).toEqual(['fp32', 'fp16+fp32']);
    expect(facts.family).toBe('siglip2');
    expect(entry).toMatchObject({
      precision: { text: 'fp32' },
      files: { 'onnx/text_model.onnx_data': {}, 'onnx/vision_model_fp16.onnx': {} },
    });
  });

  test('of Qdrant has its other tower in the repository of that name', async () => {
    const tower = (name: string) => ({ 'model.onnx': tinyClip[`onnx/${name}_model.onnx`] ?? Buffer.alloc(0) });
    const hub = await startHub({
      'someone/tiny-vision': { commit, files: { ...tower('vision'), ...pick(tinyClip, 'preprocessor_config.json') } },
      'someone/tiny-text': { commit: textCommit, files: { ...tower('text'), ...clipTokenizer() } },
    });
    const { source } = await look(hub, 'someone/tiny-text', { dimensions: 32 });
    const text = { repo: 'someone/tiny-text', revision: textCommit };
    expect(source).toEqual({ repo: 'someone/tiny-vision', revision: commit, layout: 'qdrant', text });
  });

  test('of Marqo has weights to choose from, and no dimensions', async () => {
    const files = family('clip-fp16');
    const hub = await startHub({
      [marqoName]: { commit, files: { ...files, ...moved(files, 'golden', 'openai') } },
      'Xenova/clip-vit-base-patch32': { commit: '4c1807b705b1d015fb032789cc4d221b23025a6f', files: clipTokenizer() },
    });
    expect(await failureOf(look(hub, marqoName))).toMatchObject({
      code: 'unusable',
      message: expect.stringContaining('choose one with --weights, of golden, openai'),
    });
    const chosen = { weights: 'openai' };
    expect((await failureOf(look(hub, marqoName, chosen))).advice).toContain('--dimensions');
    const { source, precisions, entry } = await look(hub, marqoName, { ...chosen, dimensions: 32 });
    expect(source).toMatchObject({ layout: 'marqo', weights: 'openai' });
    expect(precisions).toEqual(['fp32', 'fp16']);
    expect(entry).toMatchObject({ preprocess: { mean: [0.48145466, 0.4578275, 0.40821073] } });
  });

  test('is pinned to the commit of the revision that was asked for', async () => {
    const hub = await hubWith(tinyClip);
    expect((await look(hub, repo, {}, commit)).source.revision).toBe(commit);
    expect((await look(hub, repo, {}, 'main')).source.revision).toBe(commit);
  });

  test.each<[what: string, files: Files, choice: InspectChoice, said: string | RegExp]>([
    ['no ONNX files', pick(tinyClip, 'config.json'), {}, 'no ONNX files'],
    [
      'graphs of another kind',
      { ...pick(tinyClip, 'config.json'), 'onnx/decoder.onnx': Buffer.alloc(1) },
      {},
      'its graphs are onnx/decoder.onnx',
    ],
    ['several models', folders, {}, 'choose one with --folder, of onnx/s0, onnx/s2'],
    [
      'no tokenizer',
      pick(tinyClip, 'config.json', 'preprocessor_config.json', 'onnx/vision_model.onnx', 'onnx/text_model.onnx'),
      {},
      '--tokenizer',
    ],
    ['a sigmoid without its scale', family('siglip'), {}, '--logit-scale and --logit-bias'],
    [
      'a family nobody knows',
      { ...tinyClip, 'config.json': Buffer.from('{"model_type":"blip"}') },
      {},
      'no supported model family has model_type "blip"',
    ],
    ['another layout than the one that is asked for', tinyClip, { layout: 'immich' }, 'no model for immich'],
  ])('with %s is refused with what to do', async (_what, files, choice, said) => {
    const failure = await failureOf(look(await hubWith(files), repo, choice));
    expect(failure.code).toBe('unusable');
    expect(`${failure.message}. ${failure.advice}`).toMatch(said);
  });

  test('that is absent or gated is refused as in a pull', async () => {
    const hub = await hubWith(tinyClip, { gated: true });
    expect(await failureOf(look(hub))).toMatchObject({ code: 'gated' });
    expect(await failureOf(look(hub, 'someone/nothing'))).toMatchObject({ code: 'unauthorized' });
    hub.weather.hasNoApi = true;
    expect(await failureOf(look(hub))).toMatchObject({
      message: expect.stringContaining('cannot list the files of a repository'),
    });
  });
});

/** A folder that OpenCLIP's own description alone describes. */
function pickOpenClip(): Files {
  const { 'config.json': _config, 'preprocessor_config.json': _preprocessor, ...files } = family('pe');
  return { ...files, ...clipTokenizer() };
}
