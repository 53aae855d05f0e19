import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { folderHub } from '../../../models/pulling/folder-hub.ts';
import { httpHub } from '../../../models/pulling/http-hub.ts';
import { pull } from '../../../models/pulling/pull.ts';
import { startMirror } from '../../support/hub/mirror.ts';
import { gitBlob, isLinked, sha256 } from '../../support/hub/repository.ts';
import { type HubServer, startHub } from '../../support/hub/server.ts';
import { commit, tinyEntry, tinyFiles } from '../../support/hub/tiny-model.ts';

const repository = 'someone/clip';
const hubWithTiny = (more: object = {}) => startHub({ [repository]: { commit, files: tinyFiles, ...more } });
const names = Object.keys(tinyFiles);

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-official-'));
});
afterEach(() => rm(directory, { recursive: true }));

/** A Python that has the hub's client: the one that `PYTHON` names, or the one on the PATH. */
const python = [process.env['PYTHON'], 'python3']
  .filter((name) => name !== undefined)
  .find((name) => spawnSync(name, ['-c', 'import huggingface_hub']).status === 0);
if (python === undefined) {
  process.stdout.write('skipped: no Python with huggingface_hub (pip install huggingface_hub; PYTHON names it)\n');
}

interface Seen {
  sha256: string;
  bytes: number;
  etag: string;
  size: number;
  commit: string;
}

async function byPython(
  endpoint: string,
  more: NodeJS.ProcessEnv = {},
  revision = commit,
): Promise<Record<string, Seen>> {
  const script = fileURLToPath(new URL('fixtures/official-client.py', import.meta.url));
  const child = spawn(python ?? '', [script, repository, revision, ...names], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HF_ENDPOINT: endpoint,
      HF_HOME: directory,
      // The protocol of Xet needs servers of its own; without it the client takes the same way as this service.
      HF_HUB_DISABLE_XET: '1',
      HF_HUB_DISABLE_TELEMETRY: '1',
      HF_HUB_DISABLE_PROGRESS_BARS: '1',
      ...more,
    },
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  if (child.exitCode !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

/** The facts that each client must see of each file. */
const truth = Object.fromEntries(
  Object.entries(tinyFiles).map(([name, bytes]) => [
    name,
    {
      sha256: sha256(bytes),
      bytes: bytes.length,
      etag: isLinked(name) ? sha256(bytes) : gitBlob(bytes),
      size: bytes.length,
      commit,
    },
  ]),
);

async function factsOfVls(hub: HubServer) {
  const entry = await tinyEntry(directory);
  const client = httpHub({ endpoint: hub.url });
  const facts = names.map(async (path) => {
    const {
      sha256: linked,
      gitBlob: blob,
      bytes,
      commit: at,
    } = await client.facts({ ...entry.source, path, local: path });
    return [path, { etag: linked ?? blob, size: bytes, commit: at }] as const;
  });
  return Object.fromEntries(await Promise.all(facts));
}

describe.skipIf(python === undefined)('huggingface_hub of Python, at the hub of the tests', () => {
  test('sees the hashes, sizes and commit that vls sees, and downloads every file', async () => {
    const hub = await hubWithTiny();
    const seen = await byPython(hub.url);
    expect(seen).toEqual(truth);
    const facts = await factsOfVls(hub);
    for (const name of names) expect(facts[name]).toEqual({ etag: seen[name]?.etag, size: seen[name]?.size, commit });
  });

  test('leaves a cache that vls pulls from, by commit and by branch, with every hash', async () => {
    await byPython((await hubWithTiny()).url, {}, 'main');
    const entry = await tinyEntry(directory);
    expect(await pull(entry, { hub: folderHub(directory) })).toMatchObject({ outcome: 'pulled', warnings: [] });
    const branch = {
      ...entry,
      revision: 'main',
      source: { ...entry.source, revision: 'main' },
      directory: join(directory, 'b'),
    };
    expect(await pull(branch, { hub: folderHub(join(directory, 'hub')) })).toMatchObject({ outcome: 'pulled' });
  });

  test('continues a broken download at the other CDN', async () => {
    const hub = await hubWithTiny();
    hub.mishaps.push({ cutAfter: 100_000 });
    const cutting = setInterval(() => hub.clientHas(Number.POSITIVE_INFINITY), 50);
    try {
      expect(await byPython(hub.url)).toEqual(truth);
    } finally {
      clearInterval(cutting);
    }
    expect(hub.downloads().length).toBeGreaterThan(2);
  });

  test('refuses an answer that ends too early, as vls does', async () => {
    const hub = await hubWithTiny();
    hub.mishaps.push({ endAfter: 100_000 });
    await expect(byPython(hub.url)).rejects.toThrow(/Consistency check failed/);
  });

  test('reads from the rate limit how long it must wait', async () => {
    const hub = await hubWithTiny();
    hub.rateLimit = { remaining: 0, resetSeconds: 77 };
    await expect(byPython(hub.url)).rejects.toThrow(
      /Retry after 77 seconds \(0\/3000 requests remaining in current 300s window\)/,
    );
  });

  test('shows its token to a gated repository, and not to the CDN', async () => {
    const hub = await hubWithTiny({ gated: { token: 'hf_secret' } });
    await expect(byPython(hub.url)).rejects.toThrow(/GatedRepo/);
    expect(await byPython(hub.url, { HF_TOKEN: 'hf_secret' })).toEqual(truth);
    for (const { server, authorization } of hub.downloads()) {
      expect([server, authorization]).toEqual(['cdn', undefined]);
    }
  });

  test('refuses a login page, as vls does', async () => {
    const hub = await hubWithTiny();
    hub.weather.page = true;
    await expect(byPython(hub.url)).rejects.toThrow();
  });
});

const official = await import('@huggingface/hub').catch(() => undefined);
if (official === undefined) process.stdout.write('skipped: @huggingface/hub is not installed (npm ci)\n');

describe.skipIf(official === undefined)('@huggingface/hub of Node.js, at the hub of the tests', () => {
  const where = (hub: string, path: string) => ({ repo: repository, revision: commit, path, hubUrl: hub, xet: false });

  test('downloads every file', async () => {
    const hub = await hubWithTiny();
    for (const [path, bytes] of Object.entries(tinyFiles)) {
      const blob = await official?.downloadFile(where(hub.url, path));
      expect(sha256(Buffer.from((await blob?.arrayBuffer()) ?? new ArrayBuffer())), path).toBe(sha256(bytes));
    }
  });

  test('sees the sizes that vls sees; of a linked file it reports the ETag of the CDN, which is not the SHA-256', async () => {
    const hub = await hubWithTiny();
    for (const path of names) {
      const seen = await official?.fileDownloadInfo(where(hub.url, path));
      const etag = seen?.etag.replaceAll('"', '');
      if (isLinked(path)) expect(etag, path).not.toBe(truth[path]?.sha256);
      else expect(etag, path).toBe(truth[path]?.etag);
      expect(seen?.size, path).toBe(truth[path]?.size);
    }
  });

  test('sees the commit and the files that vls sees, and finds the repository', async () => {
    const hub = await hubWithTiny();
    const client = httpHub({ endpoint: hub.url });
    const listing = await client.list({ repo: repository, revision: 'main' });
    const info = await official?.modelInfo({
      name: repository,
      revision: 'main',
      hubUrl: hub.url,
      additionalFields: ['sha', 'filePaths'],
    });
    expect(listing?.commit).toBe(info?.sha);
    expect([...(listing?.files.keys() ?? [])]).toEqual(info?.filePaths);
    const found: string[] = [];
    for await (const { name } of official?.listModels({ search: { query: 'CLIP' }, hubUrl: hub.url }) ?? [])
      found.push(name);
    expect((await client.search('CLIP'))?.map(({ repo }) => repo)).toEqual(found);
  });

  test('follows a mirror that redirects', async () => {
    const hub = await hubWithTiny();
    const mirror = await startMirror(hub, 308);
    const blob = await official?.downloadFile(where(mirror, 'onnx/vision_model.onnx'));
    expect(blob?.size).toBe(truth['onnx/vision_model.onnx']?.bytes);
  });
});
