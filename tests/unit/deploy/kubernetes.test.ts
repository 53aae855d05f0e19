import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, describe, expect, test } from 'vitest';
import { overlays } from '../../../deploy/preflight/checks.ts';
import { drainMs } from '../../../shared/lifecycle.ts';
import { findProgram } from '../../../start/redis/find.ts';
import { demandQuery, horizons } from '../../../testing/scaling/demand.ts';
import { readRule } from '../../../testing/scaling/manifest.ts';
import { exampleOver } from '../../support/example-overlay.ts';
import { parseYaml, type Resource, readYaml, root, yamlFilesBelow } from './manifests.ts';

interface Probe {
  exec?: { command: string[] };
  httpGet?: { path: string; port: string };
}
interface Container {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  env?: { name: string; value?: string; valueFrom?: { secretKeyRef: { name: string; key: string } } }[];
  ports?: { name: string; containerPort: number }[];
  startupProbe?: Probe;
  readinessProbe?: Probe;
  livenessProbe?: Probe;
  lifecycle?: { preStop?: { sleep?: { seconds: number } } };
  resources?: { limits?: Record<string, string>; requests?: Record<string, string> };
  securityContext?: object;
  volumeMounts?: { name: string; mountPath: string }[];
}
interface Pod {
  metadata: { labels: Record<string, string> };
  spec: {
    automountServiceAccountToken?: boolean;
    terminationGracePeriodSeconds?: number;
    nodeSelector?: Record<string, string>;
    securityContext?: object;
    initContainers?: Container[];
    containers: Container[];
    volumes: { name: string }[];
  };
}
interface Workload {
  metadata: Resource['metadata'];
  spec: { replicas?: number; selector: { matchLabels: Record<string, string> }; template: Pod };
}
interface ScaledObject {
  spec: {
    scaleTargetRef: { name: string };
    minReplicaCount: number;
    maxReplicaCount: number;
    advanced: {
      horizontalPodAutoscalerConfig: { behavior: Record<'scaleUp' | 'scaleDown', { selectPolicy?: string }> };
    };
    triggers: { type: string; metricType: string; metadata: Record<string, string> }[];
  };
}

const schemaFile = (name: string) =>
  JSON.parse(readFileSync(new URL(`./schemas/${name}`, import.meta.url), 'utf8')) as {
    definitions?: Record<string, object>;
  };
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
const kubernetes = schemaFile('kubernetes.json');
ajv.addSchema(kubernetes);
for (const kind of ['ScaledObject', 'ServiceMonitor', 'PodMonitor'])
  ajv.addSchema(schemaFile(`${kind.toLowerCase()}.json`), kind);
/** Returns the violations of a resource's schema. */
function faultsOf(resource: Resource): unknown[] {
  const isCore = Object.hasOwn(kubernetes.definitions ?? {}, resource.kind);
  const validate = ajv.getSchema(isCore ? `kubernetes.json#/definitions/${resource.kind}` : resource.kind);
  if (validate === undefined) return [`no schema for ${resource.kind}`];
  validate(resource);
  return (validate.errors ?? []).map(({ instancePath, message, params }) => [instancePath, message, params]);
}

const files = yamlFilesBelow('deploy/k8s');
const kustomizations = files.filter((path) => path.endsWith('/kustomization.yaml'));
/** Files that a kustomization lists as patches. */
const patches = kustomizations.flatMap((path) =>
  readYaml<{ patches?: { path?: string }[] }>(path).flatMap(({ patches: listed = [] }) =>
    listed.flatMap(({ path: file }) => (file === undefined ? [] : [join(dirname(path), file)])),
  ),
);
const complete = files.filter((path) => !kustomizations.includes(path) && !patches.includes(path));

describe.each(complete)('%s', (path) => {
  test.each(
    readYaml<Resource>(path).map((resource) => [`${resource.kind} ${resource.metadata.name}`, resource] as const),
  )('%s keeps to its schema', (_name, resource) => expect(faultsOf(resource)).toEqual([]));
});

test('the schemas refuse what a server would drop or misread', () => {
  const [deployment] = readYaml<Resource>('deploy/k8s/worker/worker.yaml').filter(({ kind }) => kind === 'Deployment');
  const broken = JSON.parse(JSON.stringify(deployment)) as Resource & { spec: Record<string, unknown> };
  broken.spec['terminationGracePeriod'] = 40;
  expect(faultsOf(broken)).toHaveLength(1);
  expect(faultsOf({ ...(deployment as Resource), apiVersion: 'apps/v1beta1' })).toHaveLength(1);
});

test('every file is taken in by a kustomization', () => {
  const listed = kustomizations.flatMap((path) =>
    readYaml<{ resources?: string[]; components?: string[] }>(path).flatMap(({ resources = [], components = [] }) =>
      [...resources, ...components].map((entry) => join(dirname(path), entry)),
    ),
  );
  for (const path of complete) expect(listed).toContain(path);
  const applied = /\/(overlays|restore)\//;
  for (const path of kustomizations.filter((file) => !applied.test(file))) expect(listed).toContain(dirname(path));
});

const workloads = complete
  .flatMap((path) => readYaml<Resource>(path))
  .filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet') as unknown as Workload[];

function expectLimits(container: Container): void {
  expect(container.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  for (const amounts of [container.resources?.limits, container.resources?.requests]) {
    expect(amounts).toMatchObject({
      cpu: expect.any(String),
      memory: expect.any(String),
      'ephemeral-storage': expect.any(String),
    });
  }
}

describe.each(workloads.map((workload) => [workload.metadata.name, workload.spec] as const))('%s', (_name, spec) => {
  const pod = spec.template.spec;

  test('runs without root, rights, a token of the cluster or a root file system to write on', () => {
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    for (const container of pod.containers) {
      expectLimits(container);
      const mounted = container.volumeMounts?.map(({ mountPath }) => mountPath);
      expect(mounted).toEqual(expect.arrayContaining(['/data', '/tmp']));
    }
  });

  test('is selected by labels that it has', () => {
    expect(spec.template.metadata.labels).toMatchObject(spec.selector.matchLabels);
  });
});

test.each([
  ['the download of models', 'deploy/k8s/pull/pull.yaml'],
  ['the pod of a restore', 'deploy/k8s/restore/restore.yaml'],
])('%s has limits, and no root, rights or a root file system to write on', (_name, path) => {
  const pods = readYaml<{ spec: Pod['spec'] & { template?: Pod } }>(path).map(
    ({ spec }) => spec.template?.spec ?? spec,
  );
  const containers = pods.flatMap((pod) => [...(pod.initContainers ?? []), ...(pod.containers ?? [])]);
  expect(containers).toHaveLength(1);
  for (const container of containers) expectLimits(container);
});

test.each([
  { name: 'api', health: '/evaluator/health', port: 8000 },
  { name: 'worker', health: '/health', port: 9100 },
])('$name is probed on $port, and has time to drain before it is killed', ({ name, health, port }) => {
  const pod = workloads.find(({ metadata }) => metadata.name === name)?.spec.template.spec;
  const [container] = pod?.containers ?? [];
  const [named] = container?.ports ?? [];
  expect(named?.containerPort).toBe(port);
  const probe = (what: string): Probe => ({ httpGet: { path: `${health}/${what}`, port: named?.name ?? '' } });
  expect(container).toMatchObject({
    startupProbe: probe('live'),
    livenessProbe: probe('live'),
    readinessProbe: probe('ready'),
  });
  const beforeDrain = container?.lifecycle?.preStop?.sleep?.seconds ?? 0;
  expect(pod?.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(beforeDrain + drainMs / 1000 + 5);
});

test('commands of the guides select pods by labels that the pods have', () => {
  const guides = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.md'),
  );
  const selected = guides.flatMap((path) =>
    [...readFileSync(join(root, 'docs', path), 'utf8').matchAll(/kubectl [^`\n]* -l ([^\s`,]+)/g)].map(
      ([, label = '']) => label,
    ),
  );
  expect(selected.length).toBeGreaterThan(0);
  const labels = workloads.flatMap(({ spec }) => Object.entries(spec.template.metadata.labels));
  for (const label of selected) expect(labels.map(([name, value]) => `${name}=${value}`)).toContain(label);
});

test('the ServiceMonitor of the guide finds the API, and sends it the token that it reads', () => {
  const guide = readFileSync(join(root, 'docs/deployment.md'), 'utf8');
  const [, block = ''] = /```yaml\n( *apiVersion: monitoring[\s\S]*?)```/.exec(guide) ?? [];
  const [monitor] = parseYaml<{
    spec: {
      selector: { matchLabels: Record<string, string> };
      endpoints: { port: string; path: string; authorization: { credentials: { name: string; key: string } } }[];
    };
  }>(block);
  const [endpoint] = monitor?.spec.endpoints ?? [];
  const [service] = readYaml<Resource>('deploy/k8s/api/api.yaml').filter(({ kind }) => kind === 'Service');
  expect(service?.metadata.labels).toMatchObject(monitor?.spec.selector.matchLabels ?? { absent: '' });
  expect(service?.spec).toMatchObject({ ports: [{ name: endpoint?.port }] });
  expect(endpoint?.path).toBe('/evaluator/metrics');

  const [container] = workloads.find(({ metadata }) => metadata.name === 'api')?.spec.template.spec.containers ?? [];
  const token = container?.env?.find(({ name }) => name === 'METRICS_TOKEN')?.valueFrom?.secretKeyRef;
  expect(token).toMatchObject(endpoint?.authorization.credentials ?? { name: 'absent' });
  expect(guide).toContain(`create secret generic ${token?.name} --from-literal=${token?.key}=`);
});

test('Redis has a password, which no command line shows, and is ready only after it has loaded its file', () => {
  const [redis] = workloads.find(({ metadata }) => metadata.name === 'redis')?.spec.template.spec.containers ?? [];
  const secret = { secretKeyRef: { name: 'redis', key: 'password' } };
  expect(redis?.env).toEqual([{ name: 'REDISCLI_AUTH', valueFrom: secret }]);
  expect(redis?.command?.slice(0, 2)).toEqual(['sh', '-c']);
  expect(redis?.command?.[2]).toMatch(/^exec redis-server - <<END\n.*\nrequirepass \$REDISCLI_AUTH\nEND\n$/);
  expect(redis?.readinessProbe).toMatchObject({ exec: { command: ['redis-cli', '-e', 'ping'] } });
  for (const name of ['api', 'worker']) {
    const [container] = workloads.find(({ metadata }) => metadata.name === name)?.spec.template.spec.containers ?? [];
    expect(container?.env).toContainEqual({
      name: 'REDIS_URL',
      valueFrom: { secretKeyRef: { name: 'redis', key: 'url' } },
    });
  }
});

test('the volume of a restore is the one that the StatefulSet of Redis takes over, with the same user', () => {
  const [claim, pod] = readYaml<Resource>('deploy/k8s/restore/restore.yaml') as [
    Resource,
    Resource & { spec: Pod['spec'] },
  ];
  const [stateful] = readYaml<Resource>('deploy/k8s/base/redis.yaml').filter(
    ({ kind }) => kind === 'StatefulSet',
  ) as unknown as {
    spec: { template: Pod; volumeClaimTemplates: { metadata: { name: string }; spec: object }[] };
  }[];
  const [template] = stateful?.spec.volumeClaimTemplates ?? [];
  expect(claim.metadata.name).toBe(`${template?.metadata.name}-redis-0`);
  expect(claim.spec).toEqual(template?.spec);
  expect(pod.spec.securityContext).toEqual(stateful?.spec.template.spec.securityContext);
  expect(pod.spec.containers[0]?.image).toBe(stateful?.spec.template.spec.containers[0]?.image);
  expect(pod.spec.containers[0]?.securityContext).toEqual(stateful?.spec.template.spec.containers[0]?.securityContext);
  expect(readFileSync(join(root, 'deploy/redis/kustomization.yaml'), 'utf8')).toContain('restore.sh');
});

test('the namespace enforces the restricted standard, and warns of and records what would break it', () => {
  const [namespace] = readYaml<Resource>('deploy/k8s/base/namespace.yaml');
  for (const mode of ['enforce', 'warn', 'audit']) {
    expect(namespace?.metadata.labels).toMatchObject({ [`pod-security.kubernetes.io/${mode}`]: 'restricted' });
  }
});

test('API and workers reach Redis, the name server and public addresses, and nothing private besides', () => {
  const policies = readYaml<{
    metadata: { name: string };
    spec: {
      podSelector: object;
      egress?: { to: { ipBlock?: { cidr: string; except?: string[] } }[]; ports: { port: number }[] }[];
    };
  }>('deploy/k8s/base/network.yaml');
  const named = (name: string) => policies.find(({ metadata }) => metadata.name === name)?.spec;
  expect(named('nothing-else')).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
  const [rule] = named('public-images')?.egress ?? [];
  const [v4, v6] = rule?.to.map(({ ipBlock }) => ipBlock) ?? [];
  expect(v4?.except).toEqual(
    expect.arrayContaining([
      '10.0.0.0/8',
      '172.16.0.0/12',
      '192.168.0.0/16',
      '169.254.0.0/16',
      '100.64.0.0/10',
      '127.0.0.0/8',
    ]),
  );
  expect(v6?.except).toEqual(expect.arrayContaining(['fc00::/7', 'fe80::/10', '::1/128', '64:ff9b::/96']));
  expect(rule?.ports.map(({ port }) => port)).toEqual([80, 443]);
  const addressed = policies.filter(({ spec }) => spec.egress?.some(({ to }) => to.some(({ ipBlock }) => ipBlock)));
  expect(addressed.map(({ metadata }) => metadata.name)).toEqual(['names', 'public-images']);
  // Name servers on the node: NodeLocal DNSCache, LocalDNS of AKS, Cloud DNS of GKE. Metadata on port 80 is not reached.
  const [names] = named('names')?.egress ?? [];
  expect(names?.to.flatMap(({ ipBlock }) => ipBlock?.cidr ?? [])).toEqual([
    '169.254.20.10/32',
    '169.254.10.10/31',
    '169.254.169.254/32',
  ]);
  expect(names?.ports.map(({ port }) => port)).toEqual([53, 53]);
});

describe.each(['compact', 'fast', 'accurate'])('workers of %s', (profile) => {
  const [scaled] = readYaml<ScaledObject>(`deploy/k8s/autoscaled/${profile}/scaling.yaml`);

  test('are scaled by the demand for their own profile, divided among them', () => {
    expect(scaled?.spec.scaleTargetRef.name).toBe(`worker-${profile}`);
    const query = demandQuery(profile, horizons.cpu);
    expect(scaled?.spec.triggers).toMatchObject([
      { type: 'prometheus', metricType: 'AverageValue', metadata: { query } },
    ]);
  });

  test('are scaled by rules that the simulation reads as they are', () => {
    expect(readRule(profile)).toMatchObject({ minReplicas: 1, maxReplicas: 20, cooldownSeconds: 300 });
    expect(readRule(profile).itemsPerSecondOfWorker).toBeGreaterThan(0);
    const behavior = scaled?.spec.advanced.horizontalPodAutoscalerConfig.behavior;
    // The others are not part of the rule.
    expect(behavior?.scaleUp.selectPolicy ?? 'Max').toBe('Max');
    expect(behavior?.scaleDown.selectPolicy ?? 'Max').toBe('Max');
  });
});

test.each(['fast', 'accurate'])('on GPUs the demand for %s looks as far ahead as a node takes to come', (profile) => {
  const [[query, threshold] = []] = readYaml<{ path: string; value: string }[]>(
    `deploy/k8s/gpu/demand-${profile}.yaml`,
  );
  expect(query).toMatchObject({
    path: '/spec/triggers/0/metadata/query',
    value: demandQuery(profile, horizons.gpu),
  });
  expect(threshold).toMatchObject({ path: '/spec/triggers/0/metadata/threshold' });
  expect(Number(threshold?.value)).toBeGreaterThan(readRule(profile).itemsPerSecondOfWorker);
});

const alone = findProgram('kustomize');
const kubectl = findProgram('kubectl');
const kustomize = alone ?? kubectl;
if (kustomize === undefined)
  console.log('Skipped: the overlays are not put together, as neither kustomize nor kubectl is on the PATH.');

function build(directory: string) {
  const args = [alone ? 'build' : 'kustomize', directory];
  return spawnSync(kustomize ?? 'true', args, { encoding: 'utf8' });
}

describe.skipIf(kustomize === undefined).each(overlays)('overlay example over %s', (overlay) => {
  const example = exampleOver(overlay);
  const { stdout, stderr } = build(example.directory);
  afterAll(example.remove);
  const resources = parseYaml<Resource>(stdout).filter((resource) => resource !== null);
  const named = (kind: string, name: string) =>
    resources.find((resource) => resource.kind === kind && resource.metadata.name === name);
  const deployments = resources.filter(({ kind }) => kind === 'Deployment') as unknown as Workload[];

  test('changes the ten things that its comments name, and keeps to the schemas', () => {
    expect(stderr).toBe('');
    expect(resources.flatMap(faultsOf)).toEqual([]);
    const text = readFileSync(join(root, 'deploy/k8s/overlays/example/kustomization.yaml'), 'utf8');
    const numbers = [...text.matchAll(/(?:#|;) (\d+)\. [A-Z]/g)].map(([, number]) => Number(number));
    expect(numbers.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test('has the registry, the bucket and its account in every pod', () => {
    for (const { spec } of deployments) {
      const [container] = spec.template.spec.containers;
      expect(container?.image).toMatch(/^registry\.example\.org\/vls(-gpu)?:0\.2\.0$/);
      expect(spec.template.spec).toMatchObject({ serviceAccountName: 'vls', automountServiceAccountToken: false });
      expect(container).toMatchObject({
        envFrom: [{ configMapRef: { name: expect.stringMatching(/^settings/) } }, { secretRef: { name: 'bucket' } }],
      });
      for (const init of spec.template.spec.initContainers ?? [])
        expect(init.image).toBe('registry.example.org/vls:0.2.0');
    }
    expect(
      resources.find(({ kind, metadata }) => kind === 'ConfigMap' && /^settings/.test(metadata.name))?.data,
    ).toMatchObject({
      PAYLOADS: 's3://my-bucket/vls,redis',
      ALLOWED_HOSTS: 'vls.example.org,api.vls.svc',
    });
  });

  test('has another Redis, an ingress, monitors, and workers of another size and number', () => {
    expect(named('StatefulSet', 'redis')).toBeUndefined();
    expect(named('Service', 'redis')).toBeUndefined();
    expect(named('NetworkPolicy', 'to-external-redis')).toBeDefined();
    expect(named('Ingress', 'api')?.spec).toMatchObject({
      rules: [{ http: { paths: [{ backend: { service: { name: 'api', port: { name: 'http' } } } }] } }],
    });
    expect(named('ServiceMonitor', 'api')).toBeDefined();
    expect(named('PodMonitor', 'worker')).toBeDefined();
    const worker = deployments.find(({ metadata }) => metadata.name === 'worker-compact')?.spec;
    const scaler = named('ScaledObject', 'worker-compact') as unknown as ScaledObject | undefined;
    // A number of replicas would be reset by each apply where KEDA decides it.
    expect([worker?.replicas, scaler?.spec.maxReplicaCount]).toEqual(
      overlay === 'standard' ? [3, undefined] : [undefined, 6],
    );
    expect(worker?.template.spec.containers[0]?.resources?.limits).toMatchObject({ cpu: '4', memory: '4Gi' });
  });
});

describe.skipIf(kustomize === undefined).each(overlays)('overlay %s', (overlay) => {
  const { stdout, stderr } = build(join(root, 'deploy/k8s/overlays', overlay));
  const resources = parseYaml<Resource>(stdout).filter((resource) => resource !== null);
  const deployments = resources.filter(({ kind }) => kind === 'Deployment') as unknown as Workload[];
  const deployment = (name: string) => deployments.find(({ metadata }) => metadata.name === name)?.spec.template.spec;

  test('can be put together, without a warning, and keeps to the schemas', () => {
    expect(stderr).toBe('');
    expect(resources.flatMap(faultsOf)).toEqual([]);
    expect(
      resources.filter(({ kind }) => kind !== 'Namespace').every(({ metadata }) => metadata.namespace === 'vls'),
    ).toBe(true);
  });

  test('has no image without a version, and no number of replicas that a second apply would reset', () => {
    const containers = deployments.flatMap(({ spec }) => [
      ...spec.template.spec.containers,
      ...(spec.template.spec.initContainers ?? []),
    ]);
    for (const { image } of containers) expect(image).toMatch(/:\d+\.\d+\.\d+(@sha256:\w{64})?$/);
    for (const { spec } of deployments) expect(spec.replicas).toBeUndefined();
  });

  test('gives every worker its profile, its own selector, and an autoscaler that means it', () => {
    const workers = deployments.filter(({ metadata }) => metadata.name.startsWith('worker-'));
    for (const { metadata, spec } of workers) {
      const profile = metadata.name.replace('worker-', '');
      expect(spec.template.spec.containers[0]?.env).toContainEqual({ name: 'WORKER_PROFILES', value: profile });
      expect(spec.selector.matchLabels['vls/profile']).toBe(profile);
    }
    const scaled = resources.filter(({ kind }) => kind === 'ScaledObject') as unknown as ScaledObject[];
    const names = scaled.map(({ spec }) => spec.scaleTargetRef.name);
    for (const name of names) expect(deployments.map(({ metadata }) => metadata.name)).toContain(name);
    expect(names).toHaveLength(overlay === 'standard' ? 0 : deployments.length);
  });

  test('requests what the table of the guide says, at rest and at most', () => {
    const scaled = resources.filter(({ kind }) => kind === 'ScaledObject') as unknown as ScaledObject[];
    const stateful = resources.filter(({ kind }) => kind === 'StatefulSet') as unknown as Workload[];
    const amount = (text = '0') => {
      const factor = { m: 1 / 1000, Mi: 1 / 1024 }[/[A-Za-z]+$/.exec(text)?.[0] ?? ''] ?? 1;
      return Number.parseFloat(text) * factor;
    };
    const total = (bound: 'minReplicaCount' | 'maxReplicaCount', name: string) =>
      [...deployments, ...stateful]
        .map(({ metadata, spec }) => {
          const { requests, limits } = spec.template.spec.containers[0]?.resources ?? {};
          const replicas = scaled.find(({ spec: { scaleTargetRef } }) => scaleTargetRef.name === metadata.name)?.spec[
            bound
          ];
          return (replicas ?? 1) * amount(requests?.[name] ?? limits?.[name]);
        })
        .reduce((sum, each) => sum + each, 0);
    const guide = readFileSync(join(root, 'docs/deployment.md'), 'utf8');
    const [, rest = '', most = ''] =
      new RegExp(`^\\| \`${overlay}\` +\\| ([\\d.]+ CPUs[^|]+)\\|([^|]+)\\|$`, 'm').exec(guide) ?? [];
    expect(rest).toContain(`${total('minReplicaCount', 'cpu')} CPUs, ${total('minReplicaCount', 'memory')} GiB`);
    if (overlay === 'standard') return;
    expect(most).toContain(`${total('maxReplicaCount', 'cpu')} CPUs, ${total('maxReplicaCount', 'memory')} GiB`);
    const gpus = total('maxReplicaCount', 'nvidia.com/gpu');
    if (gpus > 0) expect(most).toContain(`${gpus} GPUs`);
  });

  test('pulls the models that a pod serves before it starts', () => {
    const pulled = (name: string) => deployment(name)?.initContainers?.map(({ args }) => args);
    expect(pulled('worker-compact')).toBeUndefined();
    if (overlay === 'standard') return;
    expect(pulled('worker-fast')).toEqual([['vls', 'models', 'pull', 'fast']]);
    // Those of every worker: the API pins a batch to its model, and takes none for a model that it does not have.
    const served = deployments.map(({ metadata }) => metadata.name.replace(/^worker-/, ''));
    const toPull = ['fast', 'accurate'].filter((profile) => served.includes(profile));
    expect(pulled('api')).toEqual([['vls', 'models', 'pull', ...toPull]]);
  });

  test('requests GPUs where it states so', () => {
    const onGpu = deployments.filter(
      ({ spec }) => spec.template.spec.containers[0]?.resources?.limits?.['nvidia.com/gpu'],
    );
    expect(onGpu.map(({ metadata }) => metadata.name).sort()).toEqual(
      overlay === 'gpu' ? ['worker-accurate', 'worker-fast'] : [],
    );
    for (const { spec } of onGpu) {
      expect(spec.template.spec.containers[0]?.image).toMatch(/-gpu:/);
      expect(spec.template.spec.nodeSelector).toEqual({ 'nvidia.com/gpu.present': 'true' });
    }
  });
});
