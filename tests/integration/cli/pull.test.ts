import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lackForCertificates, startInternet } from '../../support/hub/internet.ts';
import { startMirror } from '../../support/hub/mirror.ts';
import { realRepositories, registryOfSmallContents } from '../../support/hub/real-repositories.ts';
import { startHub } from '../../support/hub/server.ts';

const main = fileURLToPath(new URL('../../../cli/main.ts', import.meta.url));
const fixture = fileURLToPath(new URL('../models/fixtures/pull-in-a-process.ts', import.meta.url));

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-cli-pull-'));
  await writeFile(join(directory, 'registry.json'), registryOfSmallContents());
});
afterEach(() => rm(directory, { recursive: true }));

const environment = () => ({
  PATH: process.env['PATH'],
  HF_HOME: directory,
  DATA_DIR: join(directory, 'data'),
  MODELS_FILE: join(directory, 'registry.json'),
});

function start(args: string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...environment(), ...env },
  });
}

async function ended(child: ChildProcess) {
  const code = new Promise<number | null>((resolve) => child.on('close', resolve));
  if (child.stdout === null || child.stderr === null) throw new Error('it has no output');
  const [status, stdout, stderr] = await Promise.all([code, text(child.stdout), text(child.stderr)]);
  return { code: status, stdout, stderr };
}

const vls = (args: string[], env: NodeJS.ProcessEnv = {}) => ended(start(args, env));

/** Waits until so many bytes of the first tower are on disk. */
async function arrived(bytes: number): Promise<void> {
  const staging = join(directory, 'data', 'models', 'vit-b-32', `${realRepositories[base]?.commit}.partial`);
  const part = join(staging, 'onnx', 'vision_model.onnx.partial');
  await expect.poll(async () => (await stat(part)).size, { timeout: 10_000 }).toBe(bytes);
}
const base = 'Xenova/clip-vit-base-patch32';

const cdnNames = ['us.aws.cdn.hf.co', 'us.gcp.cdn.hf.co'] as const;

/** The hub and a mirror under their real names, behind a proxy with an authority of its own. */
async function world() {
  const hub = await startHub(
    realRepositories,
    cdnNames.map((name) => `https://${name}`),
  );
  const [first = '', second = ''] = hub.cdns;
  const internet = await startInternet({
    'huggingface.co': hub.url,
    'hf-mirror.com': await startMirror({ url: 'https://huggingface.co', requests: hub.requests }, 308),
    [cdnNames[0]]: first,
    [cdnNames[1]]: second,
  });
  return { hub, internet, env: { HTTPS_PROXY: internet.proxy, NODE_EXTRA_CA_CERTS: internet.caFile } };
}

describe.skipIf(lackForCertificates() !== undefined)('vls models pull, by the names of the hub', () => {
  test('asks huggingface.co and its CDNs through the proxy, and verifies', async () => {
    const { internet, env } = await world();
    const pulled = await vls(['models', 'pull', 'fast', 'accurate'], env);
    expect(pulled).toMatchObject({ code: 0 });
    expect(pulled.stdout).toContain('from https://huggingface.co');
    expect(pulled.stderr).toContain('https://huggingface.co confirmed the SHA-256 of onnx/text_model.onnx');
    expect(new Set(internet.connects)).toEqual(new Set(['huggingface.co', ...cdnNames].map((host) => `${host}:443`)));
    expect(await vls(['models', 'verify', 'fast', 'accurate'])).toMatchObject({ code: 0 });
  });

  test('keeps hashes, and the token for the hub, at a mirror that redirects', async () => {
    const { hub, env } = await world();
    const mirror = { ...env, HF_ENDPOINT: 'https://hf-mirror.com', HF_TOKEN: 'hf_secret' };
    expect(await vls(['models', 'pull', 'fast'], mirror)).toMatchObject({ code: 0 });
    for (const { server, authorization } of hub.requests) {
      expect(authorization).toBe(server === 'cdn' ? undefined : 'Bearer hf_secret');
    }
  });

  test('is resumed after Ctrl-C and after kill -9', async () => {
    const { hub, env } = await world();
    hub.mishaps.push({ stallAfter: 300_000 });
    const first = start(['models', 'pull', 'fast'], env);
    const interrupted = ended(first);
    await hub.stalled();
    await arrived(300_000);
    first.kill('SIGINT');
    const { code, stderr } = await interrupted;
    expect(code).toBe(130);
    expect(stderr).toContain('run the same command again to continue');

    hub.mishaps.push({ stallAfter: 300_000 });
    const second = start(['models', 'pull', 'fast'], env);
    const killed = ended(second);
    await hub.stalled();
    await arrived(600_000);
    second.kill('SIGKILL');
    await killed;

    expect(await vls(['models', 'pull', 'fast'], env)).toMatchObject({ code: 0 });
    const towers = hub.downloads().filter(({ path }) => path.includes('vision'));
    expect(towers.map(({ status }) => status)).toEqual([200, 206, 206]);
    expect(await vls(['models', 'verify', 'fast'])).toMatchObject({ code: 0 });
  });

  test('--dry-run names sizes, hashes and what disagrees, by which way, and writes nothing', async () => {
    const { env } = await world();
    const run = await vls(['models', 'pull', '--dry-run', '--precision', 'fp32', 'fp16'], env);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout).toMatch(/vit-b-32 from https:\/\/huggingface\.co, through the proxy .+: 8 files/);
    expect(run.stdout).toMatch(/onnx\/vision_model\.onnx .* same hash as in the registry/);
    expect(run.stdout).toContain('(one source)');
    // Nobody has asked for the catalogue.
    expect(run.stdout.match(/^[\w.-]+ from /gm)).toEqual(['vit-b-32 from ', 'vit-l-14 from ']);
    expect(await vls(['models', 'list', '--json'])).toMatchObject({ stdout: expect.stringContaining('"absent"') });

    // The built-in hashes are those of the real weights, which this hub does not have.
    const real = await vls(['models', 'pull', '--dry-run', 'fast', '--json'], { ...env, MODELS_FILE: undefined });
    expect(real.code).toBe(1);
    const { files } = JSON.parse(real.stdout).models[0];
    const differing = files.filter(({ state }: { state: string }) => state === 'differs');
    expect(differing.map(({ local }: { local: string }) => local)).toEqual([
      'onnx/vision_model.onnx',
      'onnx/text_model.onnx',
    ]);
  });
});

/** Linux lets a process have mounts of its own, where it is not forbidden. */
const hasOwnMounts = spawnSync('unshare', ['-Urm', 'true']).status === 0;

describe.skipIf(!hasOwnMounts)('a disk that fills up during a pull', () => {
  test('ends it with a word, and the same command continues when there is room', async () => {
    const hub = await startHub(realRepositories);
    const data = join(directory, 'disk');
    const pullOnce = `'${process.execPath}' '${fixture}' '${data}' '${join(directory, 'registry.json')}' vit-b-32 '${hub.url}'`;
    const script = [
      `mkdir -p '${data}' && mount -t tmpfs -o size=6m tmpfs '${data}'`,
      pullOnce,
      `mount -o remount,size=60m '${data}'`,
      pullOnce,
    ].join(' && ');
    const child = spawn('unshare', ['-Urm', 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'pipe'] });
    const { stdout, stderr } = await ended(child);
    expect(stderr).toBe('');
    expect(stdout).toBe('no_space\npulled\n');
    const towers = hub.downloads().filter(({ path }) => path.includes('text'));
    expect(towers.map(({ status }) => status)).toEqual([200, 206]);
  });
});
