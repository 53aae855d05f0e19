import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { chooseHub } from '../../../models/pulling/choose-hub.ts';
import { folderHub } from '../../../models/pulling/folder-hub.ts';
import { pull } from '../../../models/pulling/pull.ts';
import { readConfig } from '../../../shared/config.ts';
import { tinyClipFolder } from '../../../testing/model-folders.ts';
import { blobIn, writeHubCache } from '../../support/hub/cache.ts';
import { sha256 } from '../../support/hub/repository.ts';
import { commit, failureOf, tinyEntry, tinyFiles, tinySource, vision } from '../../support/hub/tiny-model.ts';

let directory: string;
let cache: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-offline-'));
  cache = join(directory, 'hub');
});
afterEach(() => rm(directory, { recursive: true }));

const name = 'someone/clip';
const fillCache = (root = cache, files = tinyFiles) => writeHubCache(root, name, { commit, files });
const pullFrom = async (root: string, more: object = {}) =>
  await pull(await tinyEntry(directory, more), { hub: folderHub(root) });
const manifestOf = async (revision = commit) =>
  JSON.parse(await readFile(join(directory, 'data', 'models', 'tiny', revision, 'manifest.json'), 'utf8'));

describe('a copied cache of the hub', () => {
  test('gives files, commit and hashes, as the names of its blobs state them', async () => {
    await fillCache();
    expect(await pullFrom(cache)).toMatchObject({ outcome: 'pulled', warnings: [] });
    const { files } = await manifestOf();
    for (const path of Object.keys(tinyFiles)) {
      expect(files[path]).toMatchObject({ checkedAgainst: 'hub', from: `${name}@${commit}:${path}` });
    }
  });

  test('resolves a branch by its refs', async () => {
    await fillCache();
    await pullFrom(cache, { source: { ...tinySource, revision: 'main' } });
    const { files } = await manifestOf('main');
    expect(files['config.json'].from).toBe(`${name}@${commit}:config.json`);
  });

  test('is found in HF_HOME as well', async () => {
    await fillCache(join(directory, 'home', 'hub'));
    expect(await pullFrom(join(directory, 'home'))).toMatchObject({ outcome: 'pulled', warnings: [] });
  });

  test.each([
    ['a tower', 'onnx/vision_model.onnx'],
    ['a file of git', 'tokenizer.json'],
  ])('with %s that is damaged is refused by the name of its blob', async (_what, path) => {
    await fillCache();
    const bytes = tinyFiles[path] ?? Buffer.alloc(0);
    const damaged = Buffer.from(bytes);
    damaged[1000] = (damaged[1000] ?? 0) ^ 1;
    await writeFile(blobIn(cache, name, path, bytes), damaged);
    const failure = await failureOf(pullFrom(cache));
    expect(failure).toMatchObject({ code: 'wrong_hash', message: expect.stringContaining(path) });
  });

  test('with other content than the registry pins is refused before it is copied', async () => {
    await fillCache();
    const files = { 'onnx/vision_model.onnx': { sha256: 'c'.repeat(64) } };
    const failure = await failureOf(pullFrom(cache, { files }));
    expect(failure.message).toContain(sha256(vision));
  });

  test('without its blobs says that the links lead nowhere, and how to copy', async () => {
    await fillCache();
    await rm(join(cache, 'models--someone--clip', 'blobs'), { recursive: true });
    const failure = await failureOf(pullFrom(cache));
    expect(failure).toMatchObject({ code: 'not_found', message: expect.stringContaining('which does not exist') });
    expect(failure.advice).toContain('cp -L');
  });

  test.skipIf(process.platform !== 'linux')(
    'with a blob that cannot be read fails, and the process lives',
    async () => {
      await fillCache();
      const link = join(cache, 'models--someone--clip', 'snapshots', commit, 'config.json');
      await rm(link);
      // It can be opened, and the first read fails, for every user.
      await symlink('/proc/self/mem', link);
      const failure = await failureOf(pullFrom(cache));
      expect(failure).toMatchObject({ code: 'disk', message: expect.stringContaining('Cannot read') });
    },
  );
});

test('a directory that does not exist is named, without advice to copy files into it', async () => {
  const failure = await failureOf(pullFrom(join(directory, 'nowhere')));
  expect(failure).toMatchObject({ code: 'not_found', message: `There is no directory ${join(directory, 'nowhere')}` });
  expect(failure.advice).toContain('HF_OFFLINE_DIR');
});

describe('a plain folder', () => {
  test('is taken with a warning, and its commit noted as unknown', async () => {
    await cp(tinyClipFolder, join(directory, 'mirror', name), { recursive: true });
    const { warnings } = await pullFrom(join(directory, 'mirror'));
    expect(warnings).toEqual([expect.stringContaining('config.json')]);
    expect((await manifestOf()).files['config.json'].from).toBe(`${name}@unknown:config.json`);
    expect(await pullFrom(join(directory, 'mirror'))).toMatchObject({ outcome: 'present' });
  });

  test('with a web page in the place of a model is refused', async () => {
    const place = join(directory, 'mirror', name);
    await cp(tinyClipFolder, place, { recursive: true });
    await writeFile(join(place, 'onnx', 'text_model.onnx'), '<!doctype html><html></html>');
    expect(await failureOf(pullFrom(join(directory, 'mirror')))).toMatchObject({ code: 'unusable' });
  });
});

describe('HF_HUB_OFFLINE', () => {
  const neverAsked: typeof fetch = () => Promise.reject(new Error('somebody was asked'));
  const chosen = (env: NodeJS.ProcessEnv) => chooseHub(readConfig(env), neverAsked);

  test.each([
    ['HF_HUB_OFFLINE', { HF_HUB_OFFLINE: 'true' }],
    ['TRANSFORMERS_OFFLINE', { TRANSFORMERS_OFFLINE: '1' }],
  ])('as %s pulls from the cache in HF_HOME', async (_what, env) => {
    await fillCache(join(directory, 'home', 'hub'));
    const hub = await chosen({ ...env, HF_HOME: join(directory, 'home') });
    expect(await pull(await tinyEntry(directory), { hub })).toMatchObject({ outcome: 'pulled', warnings: [] });
  });

  test('says so where the cache lacks a file', async () => {
    await mkdir(join(directory, 'hub'));
    const hub = await chosen({ HF_HUB_OFFLINE: '1', HF_HOME: directory });
    const failure = await failureOf(pull(await tinyEntry(directory), { hub }));
    expect(failure).toMatchObject({ code: 'offline', advice: expect.stringContaining('Unset HF_HUB_OFFLINE') });
  });
});
