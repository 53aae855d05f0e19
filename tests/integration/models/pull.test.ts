import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, readFileSync } from 'node:fs';
import { access, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createGuardedFetch } from '../../../images/guarded-fetch.ts';
import { folderHub } from '../../../models/pulling/folder-hub.ts';
import { httpHub } from '../../../models/pulling/http-hub.ts';
import { type PullEvent, type PullOptions, pull, removePulled } from '../../../models/pulling/pull.ts';
import { verify } from '../../../models/pulling/verify.ts';
import { type HubEntry, isHubEntry, readEntries } from '../../../models/registry/entries.ts';
import { type Execution, onCpu } from '../../../models/registry/execution.ts';
import { loadRegistry } from '../../../models/registry/registry.ts';
import { tinyClipFolder } from '../../../testing/model-folders.ts';
import { type HubServer, startHub } from '../../support/hub/server.ts';

const commit = 'a'.repeat(40);
const textCommit = 'b'.repeat(40);
const tiny = (file: string) => readFileSync(join(tinyClipFolder, file));
const vision = tiny('onnx/vision_model.onnx');
const text = tiny('onnx/text_model.onnx');
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const [config, preprocessor, tokenizer, tokenizerConfig] = [
  'config.json',
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
].map(tiny) as [Buffer, Buffer, Buffer, Buffer];

const xenova = {
  'config.json': config,
  'preprocessor_config.json': preprocessor,
  'tokenizer.json': tokenizer,
  'tokenizer_config.json': tokenizerConfig,
  'onnx/vision_model.onnx': vision,
  'onnx/text_model.onnx': text,
};

let directory: string;
let dataDir: string;
let overlay: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-pull-'));
  dataDir = join(directory, 'data');
  overlay = join(directory, 'models.json');
});
afterEach(() => rm(directory, { recursive: true }));

const source = { type: 'huggingface', repo: 'someone/clip', revision: commit, layout: 'xenova' };

/** A model `tiny` in a registry of its own. */
async function entryOf(more: object = {}): Promise<HubEntry> {
  await writeFile(overlay, JSON.stringify({ models: { tiny: { source, ...more } } }));
  const entry = (await readEntries({ dataDir, modelsFile: overlay, model: undefined })).find('tiny');
  if (entry === undefined || !isHubEntry(entry)) throw new Error('the entry is not there');
  return entry;
}

const hubWith = (files: Record<string, Buffer> = xenova) => startHub({ 'someone/clip': { commit, files } });

/** The hub as `vls` asks it: behind the address guard. */
const clientOf = (hub: HubServer, token?: string) =>
  httpHub({ endpoint: hub.url, token, fetch: createGuardedFetch(hub.url, { allow: hub.allow.split(',') }) });

const pullFrom = (hub: HubServer, entry: HubEntry, more: Partial<PullOptions> = {}) =>
  pull(entry, {
    hub: clientOf(hub),
    retryDelayMs: 0,
    ...more,
    onEvent(event) {
      if (event.type === 'progress') hub.clientHas(event.received);
      more.onEvent?.(event);
    },
  });

const failureOf = async (pulling: Promise<unknown>) => {
  const failure = await pulling.then(
    () => undefined,
    (error: unknown) => error,
  );
  return failure as { code: string; message: string; advice: string };
};

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

const resolveTiny = async (precision: Execution['precision'] = 'auto') =>
  (await loadRegistry({ dataDir, modelsFile: overlay, model: undefined }, { ...onCpu, precision })).resolve('tiny');

describe('a pull', () => {
  test('brings a model that the registry then resolves and verify finds intact', async () => {
    const entry = await entryOf();
    const result = await pullFrom(await hubWith(), entry);
    expect(result).toMatchObject({ outcome: 'pulled', precisions: ['fp32'], warnings: [] });
    const { spec } = await resolveTiny();
    expect(spec).toMatchObject({ revision: commit, dimensions: 32, precision: 'fp32' });
    expect(await readFile(spec.visionPath)).toEqual(vision);
    expect(await verify(entry)).toMatchObject({ state: 'intact' });
  });

  test('records the hash, the source and the check of each file', async () => {
    const entry = await entryOf({ files: { 'onnx/text_model.onnx': { sha256: sha256(text) } } });
    await pullFrom(await hubWith(), entry);
    const manifest = JSON.parse(await readFile(join(entry.directory, 'manifest.json'), 'utf8'));
    expect(manifest.files['onnx/vision_model.onnx']).toEqual({
      bytes: vision.length,
      sha256: sha256(vision),
      from: `someone/clip@${commit}:onnx/vision_model.onnx`,
      checkedAgainst: 'hub',
    });
    expect(manifest.files['onnx/text_model.onnx'].checkedAgainst).toBe('registry');
    expect(manifest.files['config.json'].checkedAgainst).toBe('hub');
  });

  test('leaves nothing but the model', async () => {
    const entry = await entryOf();
    await pullFrom(await hubWith(), entry);
    expect(await readdir(dirname(entry.directory))).toEqual([commit]);
    expect((await readdir(entry.directory, { recursive: true })).sort()).toEqual(
      [...Object.keys(xenova), 'manifest.json', 'onnx'].sort(),
    );
  });

  test('of a model that is there asks the hub nothing', async () => {
    const entry = await entryOf();
    const hub = await hubWith();
    await pullFrom(hub, entry);
    const asked = hub.requests.length;
    expect(await pullFrom(hub, entry)).toMatchObject({ outcome: 'present' });
    expect(hub.requests).toHaveLength(asked);
  });

  test('tells of its progress, byte by byte up to the whole of every file', async () => {
    const events: PullEvent[] = [];
    await pullFrom(await hubWith(), await entryOf(), { onEvent: (event) => events.push(event) });
    const planned = events.find((event) => event.type === 'planned');
    expect(planned?.files).toContainEqual({ local: 'onnx/vision_model.onnx', bytes: vision.length });
    const received = events.flatMap((event) =>
      event.type === 'progress' && event.local === 'onnx/vision_model.onnx' ? [event.received] : [],
    );
    expect(received).toEqual(received.toSorted((a, b) => a - b));
    expect(received.at(-1)).toBe(vision.length);
    expect(events.filter(({ type }) => type === 'verified')).toHaveLength(Object.keys(xenova).length);
  });

  test('shows its token to the hub and not to the CDN', async () => {
    const hub = await startHub({ 'someone/clip': { commit, files: xenova, gated: { token: 'hf_secret' } } });
    await pull(await entryOf(), { hub: clientOf(hub, 'hf_secret') });
    expect(hub.downloads()).toHaveLength(2);
    for (const { server, authorization } of hub.requests) {
      expect(authorization).toBe(server === 'hub' ? 'Bearer hf_secret' : undefined);
    }
  });

  test('takes the revision from the entry as well as from its source', async () => {
    const entry = await entryOf({ source: { ...source, revision: undefined }, revision: commit });
    expect(await pullFrom(await hubWith(), entry)).toMatchObject({ revision: commit });
  });

  test('of a branch warns that it may change, and notes the commit', async () => {
    const entry = await entryOf({ source: { ...source, revision: 'main' } });
    const hub = await hubWith();
    const { warnings } = await pullFrom(hub, entry);
    expect(warnings).toEqual([expect.stringContaining('not a commit')]);
    const manifest = JSON.parse(await readFile(join(entry.directory, 'manifest.json'), 'utf8'));
    expect(manifest.files['config.json'].from).toBe(`someone/clip@${commit}:config.json`);
    expect(await pullFrom(hub, entry)).toMatchObject({ outcome: 'present' });
  });
});

describe('a download that breaks in the middle', () => {
  const onlyVision = (hub: HubServer) => hub.downloads().filter(({ path }) => path.includes('vision'));

  test('continues where it stopped if the file is still the same', async () => {
    const hub = await hubWith();
    hub.mishaps.push({ cutAfter: 100_000 });
    await pullFrom(hub, await entryOf());
    const [first, second] = onlyVision(hub);
    expect(first).toMatchObject({ range: undefined, status: 200 });
    // Stores differ in their validators, and the hash is known.
    expect(second).toMatchObject({ ifRange: undefined, status: 206 });
    expect(second?.range).toMatch(/^bytes=[1-9]\d*-$/);
  });

  test('that the rest of another version completes is fetched once more from the start', async () => {
    const hub = await hubWith();
    hub.mishaps.push({ cutAfter: 100_000 }, { bytes: 'of another version' });
    const entry = await entryOf();
    expect(await pullFrom(hub, entry)).toMatchObject({ outcome: 'pulled' });
    expect(onlyVision(hub).map(({ status }) => status)).toEqual([200, 206, 200]);
    expect(await verify(entry)).toMatchObject({ state: 'intact' });
  });

  test('asks by validator whether the file is the same where no hash is known', async () => {
    const hub = await hubWith();
    hub.weather.isSilent = true;
    hub.mishaps.push({ cutAfter: 100_000 });
    await pullFrom(hub, await entryOf(), { unverified: true });
    expect(onlyVision(hub)[1]).toMatchObject({ ifRange: expect.stringMatching(/^"[0-9a-f]{64}"$/), status: 200 });
  });

  test('continues in the next pull after this one has failed', async () => {
    const hub = await hubWith();
    const entry = await entryOf();
    hub.mishaps.push({ cutAfter: 100_000 });
    const failure = await failureOf(pullFrom(hub, entry, { attempts: 1 }));
    expect(failure).toMatchObject({ code: 'network', advice: expect.stringContaining('to continue') });
    expect(await exists(entry.directory)).toBe(false);
    await pullFrom(hub, entry);
    expect(onlyVision(hub).map(({ status }) => status)).toEqual([200, 206]);
    expect(await verify(entry)).toMatchObject({ state: 'intact' });
  });

  test('gives up after some attempts in a row without a byte', async () => {
    const hub = await hubWith();
    hub.mishaps.push(...Array.from({ length: 9 }, () => ({ status: 503 })));
    const reasons: string[] = [];
    const onEvent = (event: PullEvent) => event.type === 'retry' && reasons.push(event.reason);
    const failure = await failureOf(pullFrom(hub, await entryOf(), { attempts: 3, onEvent }));
    expect(failure).toMatchObject({ code: 'hub', message: expect.stringContaining('503') });
    expect(reasons).toHaveLength(2);
  });

  test('is not given up while every attempt brings some bytes', async () => {
    const hub = await hubWith();
    hub.mishaps.push(...Array.from({ length: 6 }, () => ({ cutAfter: 50_000 })));
    expect(await pullFrom(hub, await entryOf(), { attempts: 2 })).toMatchObject({ outcome: 'pulled' });
    expect(onlyVision(hub)).toHaveLength(7);
  });

  test('counts a silent connection as broken', async () => {
    const hub = await hubWith();
    hub.mishaps.push({ stallAfter: 100_000 });
    const reasons: string[] = [];
    const onEvent = (event: PullEvent) => event.type === 'retry' && reasons.push(event.reason);
    await pullFrom(hub, await entryOf(), { idleMs: 1_000, onEvent });
    expect(reasons).toContainEqual(expect.stringContaining('no data for 1 s'));
    expect(onlyVision(hub)[1]).toMatchObject({ status: 206 });
  });

  test('is stopped by its signal and kept', async () => {
    const hub = await hubWith();
    const entry = await entryOf();
    hub.mishaps.push({ stallAfter: 100_000 });
    const controller = new AbortController();
    const pulling = failureOf(pullFrom(hub, entry, { signal: controller.signal }));
    await hub.stalled();
    controller.abort();
    expect(await pulling).toMatchObject({ code: 'stopped' });
    await pullFrom(hub, entry);
    expect(await verify(entry)).toMatchObject({ state: 'intact' });
  });

  test('that left more bytes than the file has begins anew', async () => {
    const hub = await hubWith();
    const entry = await entryOf();
    await mkdir(join(`${entry.directory}.partial`, 'onnx'), { recursive: true });
    await writeFile(join(`${entry.directory}.partial`, 'onnx', 'vision_model.onnx.partial'), Buffer.alloc(20_000_000));
    await pullFrom(hub, entry);
    expect(onlyVision(hub)).toMatchObject([{ range: undefined, status: 200 }]);
  });

  test('that left other bytes is fetched once more from the start', async () => {
    const hub = await hubWith();
    const entry = await entryOf();
    await mkdir(join(`${entry.directory}.partial`, 'onnx'), { recursive: true });
    await writeFile(join(`${entry.directory}.partial`, 'onnx', 'vision_model.onnx.partial'), Buffer.alloc(1000, 9));
    await pullFrom(hub, entry);
    expect(onlyVision(hub).map(({ status }) => status)).toEqual([206, 200]);
  });
});

describe('a failure', () => {
  test('of the network names the hub, and does not claim that bytes are stored', async () => {
    const endpoint = 'http://127.0.0.1:1';
    const failure = await failureOf(
      pull(await entryOf(), { hub: httpHub({ endpoint }), attempts: 1, retryDelayMs: 0 }),
    );
    expect(failure.code).toBe('network');
    expect(failure.message).toContain(new URL(endpoint).host);
    expect(failure.advice).toContain('HF_ENDPOINT');
    expect(failure.advice).not.toContain('stored');
  });

  test('after some bytes says that they are stored', async () => {
    const hub = await hubWith();
    hub.mishaps.push({ cutAfter: 50_000 });
    const failure = await failureOf(pullFrom(hub, await entryOf(), { attempts: 1 }));
    expect(failure).toMatchObject({
      code: 'network',
      advice: expect.stringContaining('The bytes received are stored'),
    });
  });

  test('wrong bytes are never installed', async () => {
    const hub = await hubWith();
    const entry = await entryOf();
    hub.mishaps.push({ bytes: 'wrong' });
    const failure = await failureOf(pullFrom(hub, entry));
    expect(failure).toMatchObject({ code: 'wrong_hash', message: expect.stringContaining(sha256(vision)) });
    expect(await exists(entry.directory)).toBe(false);
    await expect(resolveTiny()).rejects.toMatchObject({ code: 'model.unavailable' });
  });

  test('a hub that states another hash than the registry is refused before anything is downloaded', async () => {
    const hub = await hubWith();
    const entry = await entryOf({ files: { 'onnx/vision_model.onnx': { sha256: 'c'.repeat(64) } } });
    const failure = await failureOf(pullFrom(hub, entry));
    expect(failure).toMatchObject({ code: 'wrong_hash', advice: expect.stringContaining(overlay) });
    expect(failure.message).toContain('c'.repeat(64));
    expect(hub.downloads()).toEqual([]);
  });

  test('a small file is checked by its blob in git', async () => {
    const hub = await hubWith();
    const honest = clientOf(hub);
    const liar: PullOptions['hub'] = {
      ...honest,
      facts: async (file, signal) => ({
        ...(await honest.facts(file, signal)),
        ...(file.path === 'config.json' && { gitBlob: 'd'.repeat(40) }),
      }),
    };
    expect(await failureOf(pull(await entryOf(), { hub: liar }))).toMatchObject({
      code: 'wrong_hash',
      message: expect.stringContaining('config.json'),
    });
  });

  test('another commit than the pinned one is refused', async () => {
    const hub = await startHub({ 'someone/clip': { commit, files: xenova } });
    const honest = clientOf(hub);
    const stale: PullOptions['hub'] = { ...honest, facts: async () => ({ commit: 'e'.repeat(40) }) };
    expect(await failureOf(pull(await entryOf(), { hub: stale }))).toMatchObject({ code: 'wrong_commit' });
  });

  test.each([
    ['without a token says where to ask for access, and names HF_TOKEN', undefined, 401],
    ['with a token that has no access says where to ask for it', 'hf_other', 403],
  ])('a gated repository %s', async (_what, token, status) => {
    const hub = await startHub({ 'someone/clip': { commit, files: xenova, gated: true } });
    const failure = await failureOf(pull(await entryOf(), { hub: clientOf(hub, token) }));
    expect(failure.code).toBe('gated');
    expect(failure.message).toContain(String(status));
    expect(failure.advice).toContain(`${hub.url}/someone/clip`);
    expect(failure.advice).toContain('HF_TOKEN');
    expect(`${failure.message}${failure.advice}`).not.toContain('hf_other');
  });

  test('a hidden repository is unauthorized', async () => {
    const failure = await failureOf(pullFrom(await startHub({}), await entryOf()));
    expect(failure).toMatchObject({ code: 'unauthorized', advice: expect.stringContaining('does not exist') });
  });

  test.each([
    ['file', { ...xenova, 'onnx/text_model.onnx': undefined }, commit, 'file: onnx/text_model.onnx'],
    ['revision', xenova, 'f'.repeat(40), 'revision'],
  ])('a %s that the repository lacks is named', async (_what, files, revision, named) => {
    const present = Object.fromEntries(Object.entries(files).filter(([, bytes]) => bytes)) as Record<string, Buffer>;
    const failure = await failureOf(
      pullFrom(await hubWith(present), await entryOf({ source: { ...source, revision } })),
    );
    expect(failure).toMatchObject({ code: 'not_found', message: expect.stringContaining(named) });
  });

  test('of the hub for a moment is waited out', async () => {
    const hub = await hubWith();
    hub.hubStatuses.push(503, 429, 500);
    expect(await pullFrom(hub, await entryOf())).toMatchObject({ outcome: 'pulled' });
  });

  test('too little room on the disk is found before the download, with both numbers', async () => {
    const hub = await hubWith();
    const failure = await failureOf(pullFrom(hub, await entryOf(), { freeBytes: async () => 3_000_000 }));
    expect(failure).toMatchObject({ code: 'no_space', advice: expect.stringContaining('DATA_DIR') });
    expect(failure.message).toContain('3 MB are free');
    expect(hub.downloads()).toEqual([]);
  });

  test.skipIf(process.getuid?.() === 0)('a directory that may not be written is named', async () => {
    await mkdir(dataDir);
    chmodSync(dataDir, 0o500);
    const failure = await failureOf(pullFrom(await hubWith(), await entryOf()));
    expect(failure).toMatchObject({ code: 'disk', message: expect.stringContaining(dataDir) });
  });

  test('dimensions that differ from the registry are refused, and the model does not appear', async () => {
    const entry = await entryOf({ dimensions: 512 });
    expect(await failureOf(pullFrom(await hubWith(), entry))).toMatchObject({
      code: 'unusable',
      message: expect.stringContaining('the files state 32, but the registry entry states 512'),
    });
    expect(await exists(entry.directory)).toBe(false);
  });
});

describe('a mirror that states no hashes', () => {
  test('and no commit is not taken for a hub', async () => {
    const hub = await hubWith();
    hub.weather.isSilent = true;
    const failure = await failureOf(pullFrom(hub, await entryOf()));
    expect(failure).toMatchObject({ code: 'unverified', advice: expect.stringContaining('--unverified') });
    expect(hub.downloads()).toEqual([]);
  });

  test('is taken at its word when that is asked for, with a warning that names the files', async () => {
    const hub = await hubWith();
    hub.weather.isSilent = true;
    const entry = await entryOf({ files: { 'onnx/vision_model.onnx': { sha256: sha256(vision) } } });
    const { warnings } = await pullFrom(hub, entry, { unverified: true });
    expect(warnings).toEqual([expect.stringContaining('onnx/text_model.onnx')]);
    expect(warnings.join()).not.toContain('onnx/vision_model.onnx');
  });

  test('is still held to the hashes of the registry', async () => {
    const hub = await hubWith({ ...xenova, 'onnx/vision_model.onnx': Buffer.alloc(100) });
    hub.weather.isSilent = true;
    const entry = await entryOf({ files: { 'onnx/vision_model.onnx': { sha256: sha256(vision) } } });
    expect(await failureOf(pullFrom(hub, entry, { unverified: true }))).toMatchObject({ code: 'wrong_hash' });
  });
});

describe('an offline directory', () => {
  test.each([
    ['a copied hub cache', join('models--someone--clip', 'snapshots', commit)],
    ['a plain folder for each repository', join('someone', 'clip')],
  ])('may be %s', async (_what, folder) => {
    const mirror = join(directory, 'mirror');
    await cp(tinyClipFolder, join(mirror, folder), { recursive: true });
    const entry = await entryOf({ files: { 'onnx/vision_model.onnx': { sha256: sha256(vision) } } });
    expect(await pull(entry, { hub: folderHub(mirror) })).toMatchObject({ outcome: 'pulled' });
    expect((await resolveTiny()).spec.dimensions).toBe(32);
  });

  test('that lacks a file says which, and where it is looked for', async () => {
    const failure = await failureOf(pull(await entryOf(), { hub: folderHub(directory) }));
    expect(failure).toMatchObject({ code: 'not_found', message: expect.stringContaining('someone/clip') });
    expect(failure.advice).toContain(join(directory, 'someone/clip'));
  });
});

describe('layouts', () => {
  const read = (file: string) => readFileSync(new URL(`../../golden/families/immich/${file}`, import.meta.url));
  const facts = { dimensions: 32, preprocess: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } };
  const tokenizerAt = { tokenizer: { repo: 'someone/clip', revision: commit } };

  test('immich-app: towers in two folders, with mean and deviation in a file of their own', async () => {
    const files = {
      'config.json': read('config.json'),
      'visual/preprocess_cfg.json': read('visual/preprocess_cfg.json'),
      'visual/model.onnx': vision,
      'textual/model.onnx': text,
      'textual/tokenizer.json': tokenizer,
      'textual/tokenizer_config.json': tokenizerConfig,
    };
    const entry = await entryOf({ source: { ...source, layout: 'immich' } });
    await pullFrom(await hubWith(files), entry);
    expect((await resolveTiny()).spec).toMatchObject({
      ...{ dimensions: 32, text: { maxTokens: 77 } },
      image: { size: 224, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
    });
    expect(await verify(entry)).toMatchObject({ state: 'intact' });
    expect(await pullFrom(await hubWith(files), entry, { repair: true })).toMatchObject({ outcome: 'present' });
  });

  test('Qdrant: a repository for each tower', async () => {
    const hub = await startHub({
      'q/vision': { commit, files: { 'model.onnx': vision, 'preprocessor_config.json': preprocessor } },
      'q/text': {
        commit: textCommit,
        files: { 'model.onnx': text, 'tokenizer.json': tokenizer, 'tokenizer_config.json': tokenizerConfig },
      },
    });
    const repos = { repo: 'q/vision', text: { repo: 'q/text', revision: textCommit } };
    await pullFrom(hub, await entryOf({ ...facts, source: { ...source, ...repos, layout: 'qdrant' } }));
    const { spec } = await resolveTiny();
    expect(await readFile(spec.textPath)).toEqual(text);
    expect(await readFile(spec.visionPath)).toEqual(vision);
  });

  test('Marqo: both towers by the name of the repository, and a tokenizer from elsewhere', async () => {
    const stem = 'onnx32-open_clip-ViT-T-openai';
    const hub = await startHub({
      'Marqo/onnx-open_clip-ViT-T': {
        commit,
        files: { [`${stem}-visual.onnx`]: vision, [`${stem}-textual.onnx`]: text },
      },
      'someone/clip': { commit, files: xenova },
    });
    const marqo = { ...source, ...tokenizerAt, repo: 'Marqo/onnx-open_clip-ViT-T', layout: 'marqo' };
    await pullFrom(hub, await entryOf({ ...facts, source: marqo }));
    expect((await resolveTiny()).spec).toMatchObject({ dimensions: 32 });
  });

  test('a config that leaves the defaults out has those of its family, and stays as it is', async () => {
    const sparse = Buffer.from(
      JSON.stringify({ projection_dim: 32, note: 'kept', vision_config: { image_size: 336 } }),
    );
    const entry = await entryOf();
    const larger = { ...JSON.parse(preprocessor.toString()), size: 336, crop_size: 336 };
    const files = { ...xenova, 'config.json': sparse, 'preprocessor_config.json': Buffer.from(JSON.stringify(larger)) };
    const hub = await hubWith(files);
    await pullFrom(hub, entry);
    expect((await resolveTiny()).spec).toMatchObject({ image: { size: 336 }, text: { maxTokens: 77 } });
    expect(await readFile(join(entry.directory, 'config.json'))).toEqual(sparse);
    expect(await pullFrom(hub, entry)).toMatchObject({ outcome: 'present' });
    expect(await verify(entry)).toMatchObject({ state: 'intact' });
  });
});

describe('precisions', () => {
  const files = { ...xenova, 'onnx/vision_model_fp16.onnx': text, 'onnx/text_model_fp16.onnx': vision };

  test('are further files, used on request', async () => {
    const hub = await hubWith(files);
    const entry = await entryOf();
    await pullFrom(hub, entry);
    await expect(resolveTiny('fp16')).rejects.toMatchObject({ code: 'model.unavailable' });
    const before = hub.downloads().length;
    await pullFrom(hub, entry, { precisions: ['fp16'] });
    expect(
      hub
        .downloads()
        .slice(before)
        .map(({ path }) => path.includes('fp16')),
    ).toEqual([true, true]);
    expect((await resolveTiny('fp16')).spec).toMatchObject({
      precision: 'fp16',
      visionPath: join(entry.directory, 'onnx', 'vision_model_fp16.onnx'),
    });
    expect((await resolveTiny()).spec.precision).toBe('fp32');
    expect((await verify(entry)).files.map(({ file }) => file)).toContain('onnx/text_model_fp16.onnx');
  });

  test('of an entry decide what is pulled and resolved without asking', async () => {
    await pullFrom(await hubWith(files), await entryOf({ precision: 'fp16' }));
    expect((await resolveTiny()).spec.precision).toBe('fp16');
  });

  test('that a layout does not have are refused by name', async () => {
    const entry = await entryOf({ dimensions: 32, source: { ...source, layout: 'immich' } });
    const failure = await failureOf(pullFrom(await hubWith(), entry, { precisions: ['int8'] }));
    expect(failure).toMatchObject({ code: 'not_found', message: expect.stringContaining('int8') });
  });
});

describe('pulls of one model at once', () => {
  test('download it once', async () => {
    const hub = await hubWith();
    const entry = await entryOf();
    const outcomes = await Promise.all([1, 2, 3].map(() => pullFrom(hub, entry)));
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['present', 'present', 'pulled']);
    expect(hub.downloads().filter(({ path }) => path.includes('vision'))).toHaveLength(1);
  });

  test('take over from a killed process and continue where it was', async () => {
    const hub = await hubWith();
    const entry = await entryOf();
    hub.mishaps.push({ stallAfter: 100_000 });
    const fixture = fileURLToPath(new URL('fixtures/pull-in-a-process.ts', import.meta.url));
    const child = spawn(process.execPath, [fixture, dataDir, overlay, 'tiny', hub.url], { stdio: 'inherit' });
    await hub.stalled();
    const part = join(`${entry.directory}.partial`, 'onnx', 'vision_model.onnx.partial');
    await expect.poll(async () => (await stat(part)).size).toBeGreaterThan(0);

    const waiting = Promise.withResolvers<void>();
    const second = pullFrom(hub, entry, { onEvent: (event) => event.type === 'waiting' && waiting.resolve() });
    await waiting.promise;
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await second).toMatchObject({ outcome: 'pulled' });
    expect(hub.downloads().filter(({ path }) => path.includes('vision'))).toMatchObject([
      { status: 200 },
      { status: 206 },
    ]);
    expect(await verify(entry)).toMatchObject({ state: 'intact' });
  });
});

describe('verify', () => {
  test('names the file that was damaged, and repair fetches that one alone', async () => {
    const hub = await hubWith();
    const entry = await entryOf();
    await pullFrom(hub, entry);
    const path = join(entry.directory, 'onnx', 'text_model.onnx');
    const damaged = Buffer.from(text);
    damaged[1000] = (damaged[1000] ?? 0) ^ 1;
    await writeFile(path, damaged);
    const { state, files } = await verify(entry);
    expect(state).toBe('damaged');
    expect(files.filter((file) => file.state === 'damaged')).toMatchObject([{ file: 'onnx/text_model.onnx' }]);

    const before = hub.downloads().length;
    expect(await pullFrom(hub, entry, { repair: true })).toMatchObject({ outcome: 'pulled' });
    expect(hub.downloads().slice(before)).toHaveLength(1);
    expect(await verify(entry)).toMatchObject({ state: 'intact' });
  });

  test('finds a file that is cut short, and a pull without repair does too', async () => {
    const hub = await hubWith();
    const entry = await entryOf();
    await pullFrom(hub, entry);
    await truncate(join(entry.directory, 'onnx', 'text_model.onnx'), 10);
    expect(await verify(entry)).toMatchObject({ state: 'damaged' });
    expect(await pullFrom(hub, entry)).toMatchObject({ outcome: 'pulled' });
    expect(await verify(entry)).toMatchObject({ state: 'intact' });
  });

  test('says that a model is absent', async () => {
    expect(await verify(await entryOf())).toMatchObject({ state: 'absent', files: [] });
  });

  test('of an added folder names the files without a known hash', async () => {
    const folder = { type: 'folder', path: tinyClipFolder };
    const files = { 'onnx/vision_model.onnx': { sha256: sha256(vision) } };
    await writeFile(overlay, JSON.stringify({ models: { mine: { source: folder, files } } }));
    const entry = (await readEntries({ dataDir, modelsFile: overlay, model: undefined })).find('mine');
    const verified = entry && (await verify(entry));
    expect(verified?.state).toBe('intact');
    expect(verified?.files).toContainEqual(
      expect.objectContaining({ file: 'onnx/vision_model.onnx', state: 'intact' }),
    );
    expect(verified?.files).toContainEqual(expect.objectContaining({ file: 'onnx/text_model.onnx', state: 'unknown' }));
  });
});

describe('a folder that was copied to its place by hand', () => {
  test('is checked and noted, not downloaded', async () => {
    const hub = await hubWith();
    const entry = await entryOf();
    await cp(tinyClipFolder, entry.directory, { recursive: true });
    expect(await pullFrom(hub, entry)).toMatchObject({ outcome: 'pulled' });
    expect(hub.downloads()).toEqual([]);
    expect(await exists(join(entry.directory, 'manifest.json'))).toBe(true);
  });
});

describe('remove', () => {
  test('takes the model away with what an interrupted pull has left', async () => {
    const hub = await hubWith();
    const entry = await entryOf();
    await pullFrom(hub, entry);
    await mkdir(`${entry.directory}.partial`);
    expect(await removePulled(entry)).toBe(true);
    expect(await exists(dirname(entry.directory))).toBe(false);
    expect(await removePulled(entry)).toBe(false);
  });
});
