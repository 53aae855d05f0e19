import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { overlays, preflight } from '../../deploy/preflight/checks.ts';
import { findProgram } from '../../start/redis/find.ts';
import { print } from '../../testing/command.ts';
import { until } from '../../testing/until.ts';
import { exampleOver } from '../support/example-overlay.ts';
import { definitionOf, howToGetAnApiServer, startApiServer } from './api-server.ts';
import { createReport, same } from './report.ts';
import { restoreOnCluster } from './restore-on-cluster.ts';
import { rollingUpdate } from './rolling-update.ts';

/**
 * Applies every overlay to a real API server with strict validation, and every pod to a namespace that enforces `restricted`.
 * Then it replaces a real API and a real worker under load, in the steps that the base overlay describes. Exits with 1 if a
 * check failed, and with 2 without an API server.
 */
const root = fileURLToPath(new URL('../..', import.meta.url));
const missing = ['kube-apiserver', 'etcd', 'kubectl'].filter((program) => findProgram(program) === undefined);
if (missing.length > 0) {
  print(`Not on the PATH: ${missing.join(', ')}.\n${howToGetAnApiServer}`);
  process.exit(2);
}

interface Resource {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  spec: {
    template: { metadata: { labels: object }; spec: { volumes?: object[] } };
    volumeClaimTemplates?: { metadata: { name: string } }[];
  };
}

const report = createReport();
const server = await startApiServer();
const json = async <Value>(...args: string[]) =>
  JSON.parse((await server.kubectl(...args, '-o', 'json')).stdout) as Value;
const faultsOf = async (overlay: (typeof overlays)[number]) =>
  (await preflight(async (...args) => (await server.kubectl(...args)).stdout, overlay))
    .filter(({ fault }) => fault !== undefined)
    .map(({ name }) => name);
const isRefused = async (run: Promise<unknown>, text: RegExp) => {
  const message = await run.then(
    () => 'accepted',
    (error: Error) => error.message,
  );
  if (!text.test(message)) throw new Error(`the answer is: ${message}`);
};

try {
  const { serverVersion } = await json<{ serverVersion: { gitVersion: string } }>('version');
  print(`kube-apiserver ${serverVersion.gitVersion}`);

  await report.check('the preflight finds that Secrets and KEDA are missing', async () => {
    const faults = await faultsOf('scaled');
    for (const name of ['the Secret redis with password and url', 'KEDA 2.17 or newer']) {
      same(faults.includes(name), true, name);
    }
  });
  const keda = definitionOf('ScaledObject', 'scaledobjects');
  const old = JSON.parse(JSON.stringify(keda).replace(/"behavior":\{[^{}]*\},?/, '')) as typeof keda;
  await report.check('the preflight finds a KEDA that ignores fallback.behavior, and accepts a new one', async () => {
    await server.apply(old);
    same((await faultsOf('scaled')).includes('KEDA 2.17 or newer'), true, 'the fault of an old KEDA');
    await server.apply(keda, '--force-conflicts');
    same((await faultsOf('scaled')).includes('KEDA 2.17 or newer'), false, 'the fault of a new KEDA');
  });
  for (const [kind, plural] of [
    ['ServiceMonitor', 'servicemonitors'],
    ['PodMonitor', 'podmonitors'],
  ] as const) {
    await server.apply(definitionOf(kind, plural));
  }
  await server.kubectl('wait', '--for', 'condition=Established', 'crd', '--all', '--timeout', '60s');

  const resources: Resource[] = [];
  const examples = overlays.map((overlay) => ({ name: `example over ${overlay}`, ...exampleOver(overlay) }));
  const plain = overlays.map((name) => ({ name: name as string, directory: join(root, 'deploy/k8s/overlays', name) }));
  for (const { name: overlay, directory } of [...plain, ...examples]) {
    await report.check(`overlay ${overlay} is accepted with strict validation, and without a warning`, async () => {
      // The namespace first, because a server without controllers takes a moment for it.
      const applied = await until(
        () => server.kubectl('apply', '--server-side', '--force-conflicts', '--validate=strict', '-k', directory),
        {
          everyMs: 1_000,
          withinMs: 30_000,
        },
      );
      same(applied.stderr, '', 'the list of warnings');
      const { items } = await json<{ items: Resource[] }>(
        'apply',
        '--server-side',
        '--force-conflicts',
        '--dry-run=server',
        '-k',
        directory,
      );
      resources.push(...items);
      return `${items.length} resources`;
    });
  }
  for (const { remove } of examples) remove();
  await report.check('the pod of a restore is accepted, with its volume and without a warning', async () => {
    const applied = await server.kubectl(
      'apply',
      '--server-side',
      '--validate=strict',
      '-k',
      join(root, 'deploy/k8s/restore'),
    );
    same(applied.stderr, '', 'the list of warnings');
  });
  await report.check('the commands of docs/backup.md restore Redis on the server, but for those inside the pod', () =>
    restoreOnCluster(server.kubectl),
  );
  await report.check('every pod is accepted by a namespace that enforces `restricted`', async () => {
    const workloads = resources.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet');
    for (const [at, { metadata, spec }] of workloads.entries()) {
      const { template, volumeClaimTemplates = [] } = spec;
      // The controller of a StatefulSet adds a volume for each of its claims.
      const claims = volumeClaimTemplates.map((claim) => ({
        name: claim.metadata.name,
        persistentVolumeClaim: { claimName: claim.metadata.name },
      }));
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { ...template.metadata, name: `${metadata.name}-${at}`, namespace: 'vls' },
        spec: { ...template.spec, volumes: [...(template.spec.volumes ?? []), ...claims] },
      };
      const { stderr } = await server.apply(pod, '--dry-run=server');
      same(stderr, '', `the list of warnings of ${metadata.name}`);
    }
    return `${workloads.length} pods`;
  });
  await report.check('the server refuses a pod with root, and a key that it does not know', async () => {
    const metadata = { name: 'root', namespace: 'vls' };
    const containers = [{ name: 'a', image: 'a:1' }];
    await isRefused(
      server.apply({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers } }, '--dry-run=server'),
      /violates PodSecurity "restricted/,
    );
    const misspelt = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'vls' }, dat: {} };
    await isRefused(server.apply(misspelt, '--dry-run=server'), /dat/);
  });
  await report.check('the preflight is content with the Secrets of the guide', async () => {
    const secret = (name: string, data: Record<string, string>) =>
      server.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'vls' }, stringData: data });
    await secret('api-keys', { 'keys.ndjson': '{}' });
    await secret('redis', { password: 'abc', url: 'redis://:abc@redis:6379' });
    await secret('metrics-token', { token: 'a-token-of-16-or-more' });
    await server.apply({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      provisioner: 'example.org/none',
    });
    same(await faultsOf('standard'), [], 'the list of faults');
  });
  await report.check(
    'the preflight asks for no password and no StorageClass with a Redis outside the cluster',
    async () => {
      await server.kubectl('delete', 'storageclass', 'standard');
      await server.kubectl('-n', 'vls', 'delete', 'secret', 'redis');
      const stringData = { url: 'rediss://:abc@redis.example.org:6379' };
      await server.apply({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'redis', namespace: 'vls' },
        stringData,
      });
      same(await faultsOf('standard'), [], 'the list of faults');
    },
  );
  const api = resources.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'api');
  const worker = resources.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'worker-compact');
  await report.check('a rolling update of the base overlay answers every request and loses no item', () =>
    rollingUpdate(api?.spec as never, worker?.spec as never),
  );
} finally {
  await server.stop();
}
process.exit(report.end() > 0 ? 1 : 0);
