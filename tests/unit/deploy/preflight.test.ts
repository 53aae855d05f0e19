import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Overlay, preflight } from '../../../deploy/preflight/checks.ts';
import { root } from './manifests.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const secret = (data: Record<string, string>) => ({
  data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])),
});
const crd = (fallback: object) => ({
  spec: {
    versions: [{ schema: { openAPIV3Schema: { properties: { spec: { properties: { fallback } } } } } }],
  },
});

/** A cluster with everything, by the words of the question. */
const cluster: Record<string, unknown> = {
  version: { serverVersion: { major: '1', minor: '36' } },
  'secret api-keys': secret({ 'keys.ndjson': '{}' }),
  'secret redis': secret({ password: 'abc', url: 'redis://:abc@redis:6379' }),
  'secret metrics-token': secret({ token: 'abc' }),
  storageclass: { items: [{ metadata: { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } } }] },
  'crd scaledobjects.keda.sh': crd({ properties: { behavior: {} } }),
  'apiservice v1beta1.metrics.k8s.io': { status: { conditions: [{ type: 'Available', status: 'True' }] } },
  'service prometheus': {},
  'nodes -l nvidia.com/gpu.present=true': { items: [{}] },
};
/** Names of what is missing. */
async function missing(overlay: Overlay, changed: Record<string, unknown> = {}): Promise<string[]> {
  const answers = { ...cluster, ...changed };
  const findings = await preflight(async (...args) => {
    const [, question = args[0] ?? ''] = /get (.*) -o json$/.exec(args.join(' ')) ?? [];
    const answer = answers[question];
    if (answer === undefined) throw new Error(`Error from server (NotFound): ${question} not found`);
    return JSON.stringify(answer);
  }, overlay);
  return findings.filter(({ fault }) => fault !== undefined).map(({ name, fault }) => `${name}: ${fault}`);
}

test.each(['standard', 'scaled', 'gpu'] as const)('a cluster with everything is ready for %s', async (overlay) => {
  expect(await missing(overlay)).toEqual([]);
});

test('KEDA older than 2.17 is found by its schema, and only where it is needed', async () => {
  const old = { 'crd scaledobjects.keda.sh': crd({ properties: { replicas: {} } }) };
  expect(await missing('scaled', old)).toEqual([
    'KEDA 2.17 or newer: the installed KEDA is older and ignores fallback.behavior; upgrade it',
  ]);
  expect(await missing('standard', old)).toEqual([]);
});

test('the guide names the versions that the preflight requires', async () => {
  const findings = await preflight(() => Promise.reject(new Error('no cluster')), 'scaled');
  const versions = findings.map(({ name }) => name).filter((name) => name.endsWith('or newer'));
  expect(versions).toHaveLength(2);
  const guide = readFileSync(join(root, 'docs/deployment.md'), 'utf8');
  for (const version of versions) expect(guide).toContain(version);
});

test.each([
  [{ version: { serverVersion: { major: '1', minor: '29+' } } }, /1\.29/],
  [{ 'secret redis': secret({ password: 'abc' }) }, /no url/],
  [{ 'secret redis': secret({ password: 'abc', url: 'redis://:abd@redis:6379' }) }, /passwords differ/],
  [{ 'secret metrics-token': undefined }, /not found/],
  [{ storageclass: { items: [] } }, /volumeClaimTemplate/],
  [{ 'apiservice v1beta1.metrics.k8s.io': { status: {} } }, /not available/],
])('what is missing is named: %j', async (changed, text) => {
  const found = await missing('scaled', changed);
  expect(found.length).toBeGreaterThan(0);
  expect(found.join('\n')).toMatch(text);
});

test.each([
  'rediss://:abc@redis.example.org:6380',
  'redis+sentinel://:abc@h1:26379,h2:26379/master',
  'redis+cluster://:abc@redis-1:6379,redis-2:6379',
])('another Redis (%s) needs no password of the overlay, no volume and no StorageClass', async (url) => {
  expect(await missing('scaled', { 'secret redis': secret({ url }), storageclass: { items: [] } })).toEqual([]);
});

test.each(['redis://:abc@redis:6379', 'redis://:abc@redis.vls.svc.cluster.local:6379/0'])(
  'the Redis of the overlay (%s) needs its password and a volume',
  async (url) => {
    const found = await missing('standard', { 'secret redis': secret({ url }), storageclass: { items: [] } });
    expect(found.join('\n')).toMatch(/it has no password[\s\S]*volumeClaimTemplate/);
  },
);
