import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verify } from '../../../models/pulling/verify.ts';
import { startMirror } from '../../support/hub/mirror.ts';
import { gitBlob, sha256, xetHash } from '../../support/hub/repository.ts';
import { type HubServer, startHub } from '../../support/hub/server.ts';
import {
  commit,
  failureOf,
  pullTiny,
  retriesOf,
  text,
  tinyEntry,
  tinyFiles,
  tinySource,
  vision,
} from '../../support/hub/tiny-model.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-hub-'));
});
afterEach(() => rm(directory, { recursive: true }));

const entryOf = (more: object = {}) => tinyEntry(directory, more);
const hubWith = (files = tinyFiles) => startHub({ 'someone/clip': { commit, files } });
const onlyVision = (hub: HubServer) => hub.downloads().filter(({ path }) => path.includes('vision'));

describe('a rate limit', () => {
  test('is waited for until its window ends, and shown', async () => {
    const hub = await hubWith();
    hub.rateLimit = { remaining: 3, resetSeconds: 0 };
    const { retries, onEvent } = retriesOf();
    const pulling = pullTiny(hub, await entryOf(), {
      onEvent(event) {
        onEvent(event);
        // The window of the hub ends while the client waits.
        if (event.type === 'retry') hub.rateLimit.remaining = 100;
      },
    });
    expect(await pulling).toMatchObject({ outcome: 'pulled' });
    expect(retries.length).toBeGreaterThan(0);
    for (const { reason, waitMs } of retries) {
      expect(reason).toMatch(/127\.0\.0\.1:\d+ refused the request, because this address sent too many \(429\)/);
      expect(waitMs).toBe(1_000);
    }
  });

  test('of Retry-After is waited for as well, also with 503', async () => {
    const hub = await hubWith();
    hub.hubStatuses.push({ status: 503, headers: { 'retry-after': '0' } });
    const { retries, onEvent } = retriesOf();
    await pullTiny(hub, await entryOf(), { onEvent });
    expect(retries).toMatchObject([{ waitMs: 1_000 }]);
  });

  test('with a delay of hours is reported at once, with the time', async () => {
    const hub = await hubWith();
    hub.hubStatuses.push({ status: 429, headers: { 'retry-after': '7200' } });
    const failure = await failureOf(pullTiny(hub, await entryOf()));
    expect(failure).toMatchObject({ code: 'hub', message: expect.stringContaining('121 minutes') });
    expect(failure.advice).toContain('after that time');
  });
});

describe('a download progresses beyond its furthest byte alone', () => {
  test('a store that ignores ranges and always breaks at the same byte is given up', async () => {
    const hub = await hubWith();
    hub.mishaps.push(...Array.from({ length: 50 }, () => ({ ignoresRange: true as const, cutAfter: 300_000 })));
    const failure = await failureOf(pullTiny(hub, await entryOf(), { attempts: 4 }));
    expect(failure.code).toBe('network');
    expect(onlyVision(hub)).toHaveLength(5 - 1);
  });

  test('and what is here stays while such a store sends it again', async () => {
    const hub = await hubWith();
    const entry = await entryOf();
    hub.mishaps.push({ cutAfter: 500_000 }, { ignoresRange: true, cutAfter: 100_000 });
    await pullTiny(hub, entry);
    const last = onlyVision(hub).at(-1);
    expect(last?.status).toBe(206);
    expect(Number(last?.range?.slice('bytes='.length, -1))).toBeGreaterThanOrEqual(500_000);
    expect(await verify(entry)).toMatchObject({ state: 'intact' });
  });

  test('a store that breaks a little later every time ends after a few times the file', async () => {
    const hub = await hubWith();
    const cuts = Array.from({ length: 60 }, (_, at) => ({
      ignoresRange: true as const,
      cutAfter: 400_000 + at * 10_000,
    }));
    hub.mishaps.push(...cuts);
    const failure = await failureOf(pullTiny(hub, await entryOf()));
    expect(failure).toMatchObject({
      code: 'network',
      message: expect.stringContaining('4 times, and each time incompletely'),
    });
    expect(onlyVision(hub).length).toBeLessThan(16);
  });

  test('continues at another CDN with another ETag', async () => {
    const hub = await hubWith();
    hub.mishaps.push({ cutAfter: 200_000 }, { cutAfter: 200_000 }, { cutAfter: 200_000 });
    await pullTiny(hub, await entryOf());
    expect(onlyVision(hub).map(({ status, ifRange }) => [status, ifRange])).toEqual([
      [200, undefined],
      [206, undefined],
      [206, undefined],
      [206, undefined],
    ]);
  });

  test('a size of the registry that the hub contradicts fails before the first byte', async () => {
    const hub = await hubWith();
    const files = { 'onnx/vision_model.onnx': { sha256: sha256(vision), bytes: vision.length + 100 } };
    const failure = await failureOf(pullTiny(hub, await entryOf({ files })));
    expect(failure).toMatchObject({ code: 'wrong_hash', message: expect.stringContaining(`${vision.length} bytes`) });
    expect(failure.advice).toContain('Correct the files or the revision of models.tiny in');
    expect(hub.downloads()).toEqual([]);
  });

  test('and one that a silent mirror contradicts fails at its first answer', async () => {
    const hub = await hubWith();
    hub.weather.isSilent = true;
    const files = { 'onnx/vision_model.onnx': { sha256: sha256(vision), bytes: vision.length + 100 } };
    const failure = await failureOf(pullTiny(hub, await entryOf({ files }), { unverified: true }));
    expect(failure.code).toBe('wrong_hash');
    expect(onlyVision(hub)).toHaveLength(1);
  });

  test('a whole answer without a length that ends too early is a wrong file', async () => {
    const hub = await hubWith();
    hub.mishaps.push({ endAfter: 1_000 });
    const failure = await failureOf(pullTiny(hub, await entryOf()));
    expect(failure).toMatchObject({ code: 'wrong_hash', message: expect.stringContaining('1000 of') });
  });
});

describe('an error of the store', () => {
  test.each([400, 403, 404, 408, 503])('%i is transient, and named by its host', async (status) => {
    const hub = await hubWith();
    hub.mishaps.push({ status });
    const { retries, onEvent } = retriesOf();
    expect(await pullTiny(hub, await entryOf(), { onEvent })).toMatchObject({ outcome: 'pulled' });
    const [reason] = retries.map((retry) => retry.reason);
    expect(hub.cdns.some((cdn) => reason?.includes(new URL(cdn).host))).toBe(true);
    expect(reason).toContain(String(status));
  });

  test('that stays is reported as the store’s, and no word of tokens', async () => {
    const hub = await hubWith();
    hub.mishaps.push(...Array.from({ length: 6 }, () => ({ status: 403 })));
    const failure = await failureOf(pullTiny(hub, await entryOf(), { token: 'hf_valid' }));
    expect(failure.code).toBe('hub');
    expect(failure.advice).not.toContain('HF_TOKEN');
    expect(failure.advice).toContain('firewall');
  });

  test('each attempt gets a new address', async () => {
    const hub = await hubWith();
    hub.mishaps.push({ status: 403 });
    await pullTiny(hub, await entryOf());
    const [first, second] = onlyVision(hub);
    expect(first?.path).not.toBe(second?.path);
  });

  test('of a store on the hub’s own origin is transient too, and HEAD does not reach it', async () => {
    const hub = await hubWith();
    hub.weather.ownStore = true;
    hub.mishaps.push({ status: 403 });
    expect(await pullTiny(hub, await entryOf())).toMatchObject({ outcome: 'pulled' });
    const asked = hub.requests.filter(({ path, method }) => path.startsWith('/xet-bridge-us/') && method === 'HEAD');
    expect(asked).toEqual([]);
  });
});

describe('an endpoint that redirects to the hub', () => {
  test.each([302, 307, 308] as const)('with %i keeps hashes, sizes and commit', async (status) => {
    const hub = await hubWith();
    const endpoint = await startMirror(hub, status);
    const entry = await entryOf();
    const { warnings } = await pullTiny(hub, entry, { endpoint, hubOrigins: [hub.url] });
    expect(warnings).toEqual([]);
    const manifest = JSON.parse(await readFile(join(entry.directory, 'manifest.json'), 'utf8'));
    expect(manifest.files['onnx/vision_model.onnx']).toMatchObject({
      checkedAgainst: 'hub',
      from: `someone/clip@${commit}:onnx/vision_model.onnx`,
    });
  });

  test('is asked once for a file: its bytes come from where its hash came from', async () => {
    const hub = await hubWith();
    const endpoint = await startMirror(hub, 308);
    await pullTiny(hub, await entryOf(), { endpoint, hubOrigins: [hub.url] });
    const atMirror = hub.requests.filter(({ server, path }) => server === 'mirror' && !path.startsWith('/api/'));
    expect(atMirror.map(({ method }) => method)).toEqual(Object.keys(tinyFiles).map(() => 'HEAD'));
  });

  test('finds a full disk before the download', async () => {
    const hub = await hubWith();
    const endpoint = await startMirror(hub, 307);
    const options = { endpoint, hubOrigins: [hub.url], freeBytes: async () => 17_000_000 };
    const failure = await failureOf(pullTiny(hub, await entryOf(), options));
    expect(failure.code).toBe('no_space');
    expect(hub.downloads()).toEqual([]);
  });

  test('keeps the token, for the hub and not for its store', async () => {
    const hub = await startHub({ 'someone/clip': { commit, files: tinyFiles, gated: { token: 'hf_secret' } } });
    const endpoint = await startMirror(hub, 308);
    await pullTiny(hub, await entryOf(), { endpoint, hubOrigins: [hub.url], token: 'hf_secret' });
    expect(hub.downloads()).toHaveLength(2);
    for (const { server, authorization } of hub.requests) {
      expect(authorization).toBe(server === 'cdn' ? undefined : 'Bearer hf_secret');
    }
  });

  test('to somewhere else gets no token there, and is not taken for a hub', async () => {
    const hub = await hubWith();
    const endpoint = await startMirror(hub, 308);
    const failure = await failureOf(pullTiny(hub, await entryOf(), { endpoint, token: 'hf_secret' }));
    expect(failure.code).toBe('unverified');
    for (const { server, authorization } of hub.requests) {
      expect(authorization).toBe(server === 'mirror' ? 'Bearer hf_secret' : undefined);
    }
  });

  test('says that a repository is gated as the hub says it', async () => {
    const hub = await startHub({ 'someone/clip': { commit, files: tinyFiles, gated: true } });
    const endpoint = await startMirror(hub, 307);
    const failure = await failureOf(pullTiny(hub, await entryOf(), { endpoint, hubOrigins: [hub.url] }));
    expect(failure).toMatchObject({ code: 'gated', advice: expect.stringContaining(`${hub.url}/someone/clip`) });
  });

  test('a renamed repository is followed', async () => {
    const hub = await hubWith();
    hub.renamed['former/clip'] = 'someone/clip';
    const entry = await entryOf({ source: { ...tinySource, repo: 'former/clip' } });
    expect(await pullTiny(hub, entry)).toMatchObject({ outcome: 'pulled', warnings: [] });
    expect(await verify(entry)).toMatchObject({ state: 'intact' });
  });
});

describe('the hash of a file', () => {
  test('is the linked one: the ETag of the store has its form and is another', async () => {
    const hub = await hubWith();
    const entry = await entryOf({ files: { 'onnx/vision_model.onnx': { sha256: sha256(vision) } } });
    expect(await pullTiny(hub, entry)).toMatchObject({ outcome: 'pulled' });
    expect(xetHash(vision)).toMatch(/^[0-9a-f]{64}$/);
    expect(xetHash(vision)).not.toBe(sha256(vision));
  });

  test('that one source alone states is confirmed by the hub, and that is said', async () => {
    const hub = await hubWith();
    const files = { 'onnx/vision_model.onnx': { sha256: sha256(vision), unverified: true } };
    const { notes, warnings } = await pullTiny(hub, await entryOf({ files }));
    expect(notes).toEqual([expect.stringContaining('confirmed the SHA-256 of onnx/vision_model.onnx')]);
    expect(warnings).toEqual([]);
  });

  test('that one source alone states and the hub contradicts is named as such', async () => {
    const hub = await hubWith();
    const files = { 'onnx/vision_model.onnx': { sha256: 'c'.repeat(64), unverified: true } };
    const failure = await failureOf(pullTiny(hub, await entryOf({ files })));
    expect(failure).toMatchObject({ code: 'wrong_hash', message: expect.stringContaining('one source only') });
  });
});

describe('a web page is never a model', () => {
  test('as the answer to everything', async () => {
    const hub = await hubWith();
    hub.weather.page = true;
    const failure = await failureOf(pullTiny(hub, await entryOf(), { unverified: true }));
    expect(failure).toMatchObject({ code: 'intercepted', message: expect.stringContaining('a web page') });
    expect(hub.requests).toHaveLength(1);
  });

  test('as the answer of the store', async () => {
    const hub = await hubWith();
    hub.mishaps.push({ page: true });
    expect(await failureOf(pullTiny(hub, await entryOf()))).toMatchObject({ code: 'intercepted' });
  });

  test.each([
    ['a tower', 'onnx/vision_model.onnx', '<!doctype html><html></html>', 'it is a web page'],
    ['a tower of another format', 'onnx/text_model.onnx', 'PK 0123456789', 'it is not an ONNX model'],
    ['a tokenizer', 'tokenizer.json', '<html><body>Blocked</body></html>', 'it is a web page'],
    ['a tokenizer that is cut', 'tokenizer.json', '{"model": {', 'it is not JSON'],
  ])('in the place of %s, whatever its type and hash', async (_what, path, content, said) => {
    const hub = await hubWith({ ...tinyFiles, [path]: Buffer.from(content) });
    const entry = await entryOf();
    const failure = await failureOf(pullTiny(hub, entry));
    expect(failure).toMatchObject({ code: 'unusable', message: expect.stringContaining(said) });
    expect(failure.message).toContain(path);
    expect((await verify(entry)).state).toBe('absent');
  });

  test('and verify finds one that is there already', async () => {
    const hub = await hubWith();
    const entry = await entryOf();
    await pullTiny(hub, entry);
    await rm(join(entry.directory, 'manifest.json'));
    await writeFile(join(entry.directory, 'onnx', 'text_model.onnx'), '<!doctype html><html></html>');
    const { state, files } = await verify(entry);
    expect(state).toBe('damaged');
    expect(files.find(({ file }) => file === 'onnx/text_model.onnx')).toMatchObject({ fault: 'it is a web page' });
  });
});

describe('a proxy in between', () => {
  test('that refuses HEAD is asked for the first byte instead', async () => {
    const hub = await hubWith();
    hub.weather.refusesHead = true;
    const entry = await entryOf();
    expect(await pullTiny(hub, entry)).toMatchObject({ outcome: 'pulled', warnings: [] });
    expect(await verify(entry)).toMatchObject({ state: 'intact' });
  });

  test('that compresses, though asked not to, changes neither sizes nor hashes', async () => {
    const hub = await hubWith();
    hub.weather.packs = true;
    const entry = await entryOf();
    expect(await pullTiny(hub, entry)).toMatchObject({ outcome: 'pulled', warnings: [] });
    expect((await stat(join(entry.directory, 'tokenizer.json'))).size).toBe(tinyFiles['tokenizer.json']?.length);
    const manifest = JSON.parse(await readFile(join(entry.directory, 'manifest.json'), 'utf8'));
    expect(manifest.files['tokenizer.json']).toMatchObject({ checkedAgainst: 'hub' });
    expect(gitBlob(await readFile(join(entry.directory, 'tokenizer.json')))).toBe(
      gitBlob(tinyFiles['tokenizer.json'] ?? Buffer.alloc(0)),
    );
  });
});

describe('another family of models', () => {
  test('is found by its first kilobytes, before any tower is fetched', async () => {
    const siglip = Buffer.from(JSON.stringify({ model_type: 'siglip', text_config: {}, vision_config: {} }));
    const hub = await hubWith({ ...tinyFiles, 'config.json': siglip, 'onnx/text_model.onnx': text });
    const failure = await failureOf(pullTiny(hub, await entryOf()));
    expect(failure.code).toBe('unusable');
    expect(hub.downloads()).toEqual([]);
  });
});
