import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { hubHosts, openHub } from '../../../cli/hub.ts';
import { createAddressGuard } from '../../../images/address-guard.ts';
import { createGuardedFetch } from '../../../images/guarded-fetch.ts';
import { httpHub } from '../../../models/pulling/http-hub.ts';
import { pull } from '../../../models/pulling/pull.ts';
import { readConfig } from '../../../shared/config.ts';
import { lackForCertificates, startInternet } from '../../support/hub/internet.ts';
import { startMirror } from '../../support/hub/mirror.ts';
import { startHub } from '../../support/hub/server.ts';
import { commit, failureOf, pullTiny, retriesOf, tinyEntry, tinyFiles } from '../../support/hub/tiny-model.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-way-'));
});
afterEach(() => rm(directory, { recursive: true }));

const hubWith = (more: object = {}) => startHub({ 'someone/clip': { commit, files: tinyFiles, ...more } });
/** Pulls by what the environment says, as the command line does. */
const pullBy = async (env: NodeJS.ProcessEnv) =>
  await pull(await tinyEntry(directory), {
    hub: await openHub(readConfig({ HF_HOME: directory, ...env })),
    retryDelayMs: 0,
  });

describe('a refusal of the address guard', () => {
  test('is final, and names the setting', async () => {
    const hub = await hubWith();
    const { retries, onEvent } = retriesOf();
    hub.allow = '127.0.0.2';
    const failure = await failureOf(pullTiny(hub, await tinyEntry(directory), { onEvent }));
    expect(failure).toMatchObject({ code: 'blocked', advice: expect.stringContaining('HF_HOSTS_ALLOW') });
    expect(retries).toEqual([]);
    expect(hub.downloads()).toEqual([]);
  });

  test('is lifted by a block of addresses', async () => {
    const hub = await hubWith();
    expect(await pullBy({ HF_ENDPOINT: hub.url, HF_HOSTS_ALLOW: '127.0.0.0/8' })).toMatchObject({ outcome: 'pulled' });
  });

  test.each([
    ['a proxy that gives every name an address of 198.18.0.0/15', '198.18.0.7', 'us.aws.cdn.hf.co', 443],
    ['NAT64', '64:ff9b::1', 'huggingface.co', 443],
    ['shared addresses of a carrier', '100.64.0.9', 'cas-server.xethub.hf.co', 443],
  ])('does not meet the hub’s own hosts behind %s', (_what, address, host, port) => {
    const guard = createAddressGuard(hubHosts, { settings: 'HF', allowsBlocks: true });
    expect(() => guard.checkAddress(address, host, port)).not.toThrow();
    expect(() => guard.checkAddress(address, host, 6379)).toThrow('HF_HOSTS_ALLOW');
    expect(() => guard.checkAddress(address, `${host}.example.org`, port)).toThrow('HF_HOSTS_ALLOW');
  });

  test('a block admits names that lead into it, for models alone', () => {
    const block = ['10.0.0.0/8'];
    const models = createAddressGuard(block, { settings: 'HF', allowsBlocks: true });
    expect(() => models.checkAddress('10.1.2.3', 'store.example.org', 443)).not.toThrow();
    expect(() => models.checkUrl(new URL('http://10.1.2.3:9000/x'))).not.toThrow();
    const images = createAddressGuard(block);
    expect(() => images.checkAddress('10.1.2.3', 'store.example.org', 443)).toThrow('IMAGE_HOSTS_ALLOW');
  });
});

describe('a proxy', () => {
  /** A proxy for http, which forwards what it is asked for. */
  async function startProxy() {
    const asked: string[] = [];
    const server = createServer(async ({ url = '', method = 'GET', headers }, response) => {
      asked.push(url);
      const { host: _host, 'proxy-connection': _connection, connection: _hop, ...rest } = headers;
      const answer = await fetch(url, { method, redirect: 'manual', headers: rest as Record<string, string> });
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      response.end(Buffer.from(await answer.arrayBuffer()));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
  }

  test.each(['HTTP_PROXY', 'http_proxy', 'ALL_PROXY'])('of %s is asked for every address', async (name) => {
    const hub = await hubWith();
    const proxy = await startProxy();
    // The proxy decides which addresses may be asked: none is allowed here.
    expect(await pullBy({ HF_ENDPOINT: hub.url, [name]: proxy.address })).toMatchObject({ outcome: 'pulled' });
    expect(proxy.asked).toHaveLength(hub.requests.length);
  });

  test('is not asked for what NO_PROXY names, and the guard is', async () => {
    const hub = await hubWith();
    const proxy = await startProxy();
    const env = { HF_ENDPOINT: hub.url, HTTP_PROXY: proxy.address, NO_PROXY: '127.0.0.1' };
    expect(await failureOf(pullBy(env))).toMatchObject({ code: 'blocked' });
    expect(await pullBy({ ...env, HF_HOSTS_ALLOW: hub.allow })).toMatchObject({ outcome: 'pulled' });
    expect(proxy.asked).toEqual([]);
  });

  test('of another kind is refused without its password', () => {
    const proxies = { https: 'socks5://user:geheim@127.0.0.1:1080' };
    expect(() => createGuardedFetch('https://huggingface.co', { allow: [], proxies })).toThrow(
      /HTTPS_PROXY .*socks5:$/,
    );
  });
});

describe.skipIf(lackForCertificates() !== undefined)('over https, through a proxy', () => {
  const hosts = ['huggingface.co', 'hf-mirror.com', 'us.aws.cdn.hf.co', 'us.gcp.cdn.hf.co'] as const;

  async function world(more: object = {}) {
    const [, , aws, gcp] = hosts;
    const hub = await startHub({ 'someone/clip': { commit, files: tinyFiles, ...more } }, [
      `https://${aws}`,
      `https://${gcp}`,
    ]);
    const mirror = await startMirror({ url: 'https://huggingface.co', requests: hub.requests }, 308);
    const [first = '', second = ''] = hub.cdns;
    const internet = await startInternet({ [hosts[0]]: hub.url, [hosts[1]]: mirror, [aws]: first, [gcp]: second });
    return { hub, internet };
  }

  test('a certificate of an unknown authority is a final error with advice', async () => {
    const { internet } = await world();
    const failure = await failureOf(pullBy({ HTTPS_PROXY: internet.proxy }));
    expect(failure).toMatchObject({ code: 'certificate', advice: expect.stringContaining('NODE_EXTRA_CA_CERTS') });
    expect(internet.connects).toEqual(['huggingface.co:443']);
  });
});

describe('secrets', () => {
  test('a token with a line break at its end works', async () => {
    const hub = await hubWith({ gated: { token: 'hf_secret' } });
    const env = { HF_ENDPOINT: hub.url, HF_HOSTS_ALLOW: hub.allow, HF_TOKEN: 'hf_secret\n' };
    expect(await pullBy(env)).toMatchObject({ outcome: 'pulled' });
  });

  test.each(['hf_secret\nx', 'hf secret'])('a token that cannot be one (%j) is refused and not shown', (token) => {
    const reading = () => readConfig({ HF_TOKEN: token });
    expect(reading).toThrow('HF_TOKEN=(not shown)');
    expect(reading).not.toThrow(/secret/);
  });

  test.each([
    ['HUGGING_FACE_HUB_TOKEN', { HUGGING_FACE_HUB_TOKEN: 'hf_secret' }],
    ['the file `token` in HF_HOME', {}],
  ])('the token comes from %s as well', async (_what, env: Record<string, string>) => {
    const hub = await hubWith({ gated: { token: 'hf_secret' } });
    if (!('HUGGING_FACE_HUB_TOKEN' in env)) await writeFile(join(directory, 'token'), 'hf_secret\n');
    const pulling = pullBy({ HF_ENDPOINT: hub.url, HF_HOSTS_ALLOW: hub.allow, ...env });
    expect(await pulling).toMatchObject({ outcome: 'pulled' });
  });

  test('name and password of a mirror reach its origin alone, and stand in no message', async () => {
    const hub = await hubWith();
    const endpoint = hub.url.replace('://', '://me:gehe%20im@');
    hub.hubStatuses.push(403);
    const failure = await failureOf(pullBy({ HF_ENDPOINT: endpoint, HF_HOSTS_ALLOW: hub.allow }));
    expect(`${failure.message} ${failure.advice}`).not.toMatch(/gehe|me:/);
    expect(await pullBy({ HF_ENDPOINT: endpoint, HF_HOSTS_ALLOW: hub.allow })).toMatchObject({ outcome: 'pulled' });
    for (const { server, authorization } of hub.requests) {
      expect(authorization).toBe(server === 'hub' ? `Basic ${btoa('me:gehe im')}` : undefined);
    }
    expect(httpHub({ endpoint }).name).toBe(hub.url);
  });

  test('a directory instead of the token file counts as no token', async () => {
    const hub = await hubWith();
    await mkdir(join(directory, 'token'));
    expect(await pullBy({ HF_ENDPOINT: hub.url, HF_HOSTS_ALLOW: hub.allow })).toMatchObject({ outcome: 'pulled' });
  });
});
