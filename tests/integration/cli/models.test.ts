import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { tinyClipFolder } from '../../../testing/model-folders.ts';
import { startHub } from '../../support/hub/server.ts';

const main = fileURLToPath(new URL('../../../cli/main.ts', import.meta.url));
const commit = 'a'.repeat(40);

let directory: string;
let modelsFile: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-cli-'));
  modelsFile = join(directory, 'overlay.json');
  const source = { type: 'huggingface', repo: 'someone/clip', revision: commit, layout: 'xenova' };
  await writeFile(modelsFile, JSON.stringify({ profiles: { small: 'tiny' }, models: { tiny: { source } } }));
});
afterEach(() => rm(directory, { recursive: true }));

async function vls(args: string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HF_HOME: directory,
      DATA_DIR: join(directory, 'data'),
      MODELS_FILE: modelsFile,
      ...env,
    },
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, stdout, stderr };
}

async function hubWithTiny(more: { gated?: true } = {}) {
  const names = [
    'config.json',
    'preprocessor_config.json',
    'tokenizer.json',
    'tokenizer_config.json',
    'onnx/vision_model.onnx',
    'onnx/text_model.onnx',
  ];
  const read = async (name: string) => [name, await readFile(join(tinyClipFolder, name))] as const;
  const files = Object.fromEntries(await Promise.all(names.map(read)));
  return await startHub({ 'someone/clip': { commit, files, ...more } });
}

describe('vls models', () => {
  test('lists every model, with those that are here and those that are not', async () => {
    const { code, stdout } = await vls(['models', 'list', '--json']);
    const { models } = JSON.parse(stdout);
    expect(code).toBe(0);
    expect(models).toContainEqual(
      expect.objectContaining({ model: 'compact-1', state: 'here', precisions: ['fp32'], default: true }),
    );
    expect(models).toContainEqual(expect.objectContaining({ model: 'tiny', profiles: ['small'], state: 'absent' }));
  });

  test('does not follow a hub to a private address that is not allowed', async () => {
    const hub = await hubWithTiny();
    const { code, stdout } = await vls(['models', 'pull', 'tiny', '--json'], { HF_ENDPOINT: hub.url });
    expect(code).toBe(1);
    expect(JSON.parse(stdout).error.message).toMatch(
      /Port \d+ of 127\.0\.0\.1 is not allowed; an operator can allow it by adding 127\.0\.0\.1:\d+ to HF_HOSTS_ALLOW/,
    );
    expect(hub.downloads()).toEqual([]);
  });

  test('pulls every model of a profile that several share, and verifies them', async () => {
    const hub = await hubWithTiny();
    const source = { type: 'huggingface', repo: 'someone/clip', revision: commit, layout: 'xenova' };
    const profiles = { both: { model: 'compact-1', split: { first: 0.2 }, canary: { model: 'second' } } };
    await writeFile(modelsFile, JSON.stringify({ profiles, models: { first: { source }, second: { source } } }));
    const env = { HF_ENDPOINT: hub.url, HF_HOSTS_ALLOW: hub.allow };
    const pulled = await vls(['models', 'pull', 'both', '--json'], env);
    expect(JSON.parse(pulled.stdout).models.map(({ model }: { model: string }) => model)).toEqual(['first', 'second']);
    const verified = await vls(['models', 'verify', 'both', '--json'], env);
    expect(
      JSON.parse(verified.stdout).models.map((found: { model: string; state: string }) => [found.model, found.state]),
    ).toEqual([
      ['compact-1', 'intact'],
      ['first', 'intact'],
      ['second', 'intact'],
    ]);
  });

  test('pulls by profile, verifies and removes, in plain lines where there is no terminal', async () => {
    const hub = await hubWithTiny();
    const env = { HF_ENDPOINT: hub.url, HF_HOSTS_ALLOW: hub.allow };
    const pulled = await vls(['models', 'pull', 'small', '--data-dir', join(directory, 'elsewhere')], env);
    expect(pulled.stderr).toContain('tiny: onnx/vision_model.onnx');
    expect(pulled.stdout).toContain(join(directory, 'elsewhere', 'models', 'tiny', commit));
    expect(`${pulled.stdout}${pulled.stderr}`).not.toContain('\u001b');
    expect(pulled.code).toBe(0);

    const at = { DATA_DIR: join(directory, 'elsewhere') };
    expect(await vls(['models', 'verify', 'tiny'], at)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('intact'),
    });
    expect(await vls(['models', 'remove', 'tiny'], at)).toMatchObject({ code: 0, stdout: 'tiny removed\n' });
    expect(await vls(['models', 'verify', 'tiny'], at)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining(`node cli/vls.js models pull tiny --data-dir ${at.DATA_DIR} --models-file`),
    });
  });

  test('a pull from a branch warns, and its commit is recorded and listed; what nobody has checked is marked', async () => {
    const hub = await hubWithTiny();
    const source = { type: 'huggingface', repo: 'someone/clip', revision: 'main', layout: 'xenova' };
    const marks = { unverified: true, unproven: true };
    await writeFile(modelsFile, JSON.stringify({ models: { tiny: { source, ...marks } } }));
    const pulled = await vls(['models', 'pull', 'tiny'], { HF_ENDPOINT: hub.url, HF_HOSTS_ALLOW: hub.allow });
    expect(pulled.stderr).toContain('The revision main is not a commit');
    const listed = await vls(['models', 'list']);
    expect(listed.stdout).toMatch(/^MODEL .* MATCH SCORE /m);
    expect(listed.stdout).toMatch(/^vit-b-32 .* MIT +28 /m);
    expect(listed.stdout).toMatch(/^tiny .* main = a{12} \(unverified, family not verified\)/m);
    expect(listed.stdout).toMatch(/^metaclip2-h-14-378 .* main \(unverified, family not verified\)/m);
    expect(listed.stdout).toMatch(/^vit-b-16 .* main \(unverified\)/m);
    const { models } = JSON.parse((await vls(['models', 'list', '--json'])).stdout);
    expect(models).toContainEqual(expect.objectContaining({ model: 'tiny', revision: 'main', commit, ...marks }));
  });

  test('says what to do about a gated model, and ends with 1', async () => {
    const hub = await hubWithTiny({ gated: true });
    const plain = await vls(['models', 'pull', 'tiny'], {
      HF_ENDPOINT: hub.url,
      HF_HOSTS_ALLOW: hub.allow,
    });
    expect(plain).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('HF_TOKEN') });
    const asJson = await vls(['models', 'pull', 'tiny', '--json'], {
      HF_ENDPOINT: hub.url,
      HF_HOSTS_ALLOW: hub.allow,
    });
    expect(JSON.parse(asJson.stdout).error).toMatchObject({ code: 'gated' });
  });

  test('adds a folder under a name, and forgets it again without touching it', async () => {
    const added = await vls(['models', 'add', tinyClipFolder, '--name', 'mine', '--profile', 'own']);
    expect(added).toMatchObject({ code: 0, stderr: '' });
    const { stdout } = await vls(['models', 'verify', 'own', '--json']);
    const [verified] = JSON.parse(stdout).models;
    expect(verified).toMatchObject({ model: 'mine', state: 'intact', directory: tinyClipFolder });
    expect(verified.files).toContainEqual(expect.objectContaining({ file: 'onnx/text_model.onnx', state: 'intact' }));
    expect((await vls(['models', 'remove', 'mine'])).code).toBe(0);
    expect((await vls(['models', 'verify', 'mine'])).code).toBe(2);
    await expect(readFile(join(tinyClipFolder, 'config.json'))).resolves.toBeDefined();
  });

  test.each([
    ['an option nobody knows', ['models', 'pull', '--precison', 'fp16'], '--precision'],
    ['a precision nobody knows', ['models', 'pull', 'tiny', '--precision', 'fp8'], 'fp16'],
    ['a command nobody knows', ['models', 'pul'], 'pull'],
    ['a model nobody knows', ['models', 'verify', 'huge'], 'compact'],
    ['a folder to pull', ['models', 'pull', 'compact'], 'only models of the hub can be pulled'],
  ])('ends with 2 for %s', async (_what, args, said) => {
    const { code, stderr } = await vls(args);
    expect(stderr).toContain(said);
    expect(code).toBe(2);
  });

  test('a fault of a registry file names file, entry and field', async () => {
    await writeFile(modelsFile, JSON.stringify({ models: { tiny: { source: { type: 'folder' } } } }));
    const { code, stderr } = await vls(['models', 'list']);
    expect(code).toBe(2);
    expect(stderr).toContain(modelsFile);
    expect(stderr).toContain('models.tiny.source.path');
  });
});

describe('vls models and a repository of the hub', () => {
  const env = (hub: { url: string; allow: string }) => ({ HF_ENDPOINT: hub.url, HF_HOSTS_ALLOW: hub.allow });

  test('are found by a word, in the registry and on the hub, with the command for each', async () => {
    const { code, stdout } = await vls(['models', 'search', 'CLIP'], env(await hubWithTiny()));
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^vit-b-32 +registry +MIT +- +node cli\/vls\.js models pull vit-b-32 --data-dir \S+ --models-file \S+$/m,
    );
    expect(stdout).toMatch(
      /^someone\/clip +hub +- +1,000 +node cli\/vls\.js models add hf:someone\/clip --data-dir \S+ --models-file \S+$/m,
    );
  });

  test('are searched in the registry alone where the hub does not answer, which is said', async () => {
    const { code, stdout, stderr } = await vls(['models', 'search', 'siglip'], { HF_HUB_OFFLINE: '1' });
    expect(stdout).toMatch(
      /^siglip2-b-16-224 +registry \(unverified\) .*node cli\/vls\.js models pull siglip2-b-16-224 --data-dir \S+ --models-file \S+$/m,
    );
    expect(stderr).toContain('HF_HUB_OFFLINE');
    expect(code).toBe(0);
    expect((await vls(['models', 'search', 'nothing-of-that-name'], { HF_HUB_OFFLINE: '1' })).code).toBe(1);
  });

  test('are added by its name, pulled, and removed with its entry', async () => {
    const hub = await hubWithTiny();
    const added = await vls(['models', 'add', 'hf:someone/clip', '--profile', 'own'], env(hub));
    expect(added).toMatchObject({ code: 0, stderr: '' });
    expect(added.stdout).toContain(`clip registered: clip, layout xenova, fp32, at ${commit.slice(0, 12)}`);
    expect(await vls(['models', 'pull', 'own'], env(hub))).toMatchObject({ code: 0 });
    expect(JSON.parse((await vls(['models', 'verify', 'own', '--json'])).stdout).models).toMatchObject([
      { model: 'clip', state: 'intact', revision: commit },
    ]);
    expect((await vls(['models', 'remove', 'own'])).stdout).toBe('clip removed\n');
    expect((await vls(['models', 'verify', 'own'])).code).toBe(2);
  });

  test.each([
    ['no repository', ['hf:someone'], 2, 'hf:OWNER/NAME'],
    [
      'a flag of repositories for a folder',
      ['somewhere', '--folder', 'onnx'],
      2,
      '--folder can only be used with a repository of the hub',
    ],
    ['a family nobody knows', ['hf:someone/clip', '--family', 'blip'], 2, 'siglip2'],
    ['a layout that is not its own', ['hf:someone/clip', '--layout', 'immich'], 1, 'no model for immich'],
  ])('with %s is refused', async (_what, args, code, said) => {
    const refused = await vls(['models', 'add', ...args], env(await hubWithTiny()));
    expect(refused).toMatchObject({ code, stderr: expect.stringContaining(said) });
  });
});
