import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../testing/free-port.ts';
import { until } from '../../testing/until.ts';
import { runProgram } from './command.ts';

export const howToGetAnApiServer = `kube-apiserver, etcd and kubectl have to be on the PATH. No cluster and no containers are needed.
  All three, with Go and setup-envtest of controller-runtime:
    go run sigs.k8s.io/controller-runtime/tools/setup-envtest@latest use -p path 1.36.x
  From source, with Go, in an empty module (\`go mod init kube\`), V=v1.36.3 and S=v0.36.3:
    read the replaced modules k8s.io/X of k8s.io/kubernetes@$V (\`go mod download -json\`, GoMod), and for each
      go mod edit -replace k8s.io/X=k8s.io/X@$S
    go get -tool k8s.io/kubernetes/cmd/{kube-apiserver,kubectl}@$V
    go build -ldflags "-X k8s.io/component-base/version.gitVersion=$V -X k8s.io/component-base/version.gitMajor=1 \\
      -X k8s.io/component-base/version.gitMinor=36" k8s.io/kubernetes/cmd/{kube-apiserver,kubectl}
    etcd: the same way, from go.etcd.io/etcd/server/v3@v3.6.16, without replacements
`;

/** A real API server on loopback, without nodes: it checks and stores resources, and runs nothing. */
export interface ApiServer {
  kubectl(...args: string[]): Promise<{ stdout: string; stderr: string }>;
  /** Applies one resource. */
  apply(resource: object, ...args: string[]): Promise<{ stdout: string; stderr: string }>;
  stop(): Promise<void>;
}

export async function startApiServer(): Promise<ApiServer> {
  const directory = mkdtempSync(join(tmpdir(), 'vls-kube-'));
  const file = (name: string, content: string) => {
    const path = join(directory, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const children: ChildProcess[] = [];
  let output = '';
  function start(program: string, args: string[]): ChildProcess {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data: Buffer) => (output += data));
    children.push(child);
    // No channel tells them that this process has ended.
    process.once('exit', () => child.kill('SIGKILL'));
    return child;
  }
  async function stop(): Promise<void> {
    for (const child of children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    }
    rmSync(directory, { recursive: true, force: true });
  }

  const [client, peer, port] = await Promise.all([freePort(), freePort(), freePort()]);
  const url = (of: number) => `http://127.0.0.1:${of}`;
  start('etcd', [
    ...['--data-dir', join(directory, 'etcd'), '--unsafe-no-fsync', '--log-level', 'error'],
    ...['--listen-client-urls', url(client), '--advertise-client-urls', url(client)],
    ...['--listen-peer-urls', url(peer), '--initial-advertise-peer-urls', url(peer)],
    ...['--initial-cluster', `default=${url(peer)}`],
  ]);
  const token = randomBytes(24).toString('hex');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = file('account.key', privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
  const server = start('kube-apiserver', [
    ...['--etcd-servers', url(client), '--secure-port', String(port), '--bind-address', '127.0.0.1'],
    ...['--cert-dir', directory, '--token-auth-file', file('tokens.csv', `${token},admin,admin,system:masters\n`)],
    ...['--service-account-issuer', 'https://kubernetes.default.svc', '--service-account-key-file', key],
    ...['--service-account-signing-key-file', key, '--service-cluster-ip-range', '10.0.0.0/24'],
    // No controller creates the accounts that pods have by default.
    ...['--authorization-mode', 'AlwaysAllow', '--disable-admission-plugins', 'ServiceAccount'],
  ]);
  const cluster = {
    name: 'c',
    cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority': join(directory, 'apiserver.crt') },
  };
  const kubeconfig = file(
    'kubeconfig',
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [cluster],
      users: [{ name: 'u', user: { token } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
  );
  const kubectl = (...args: string[]) => runProgram('kubectl', args, { KUBECONFIG: kubeconfig });
  try {
    await until(
      async () => {
        if (server.exitCode !== null) return 'ended';
        return (await kubectl('get', '--raw', '/readyz')).stdout.trim() === 'ok';
      },
      { everyMs: 500, withinMs: 180_000 },
    );
    if (server.exitCode !== null) throw new Error(`kube-apiserver ended:\n${output.slice(-2_000)}`);
  } catch (error) {
    await stop();
    throw error;
  }
  let count = 0;
  return {
    kubectl,
    apply: (resource, ...args) =>
      kubectl(
        'apply',
        '--server-side',
        '--validate=strict',
        ...args,
        '-f',
        file(`resource-${count++}.json`, JSON.stringify(resource)),
      ),
    stop,
  };
}

type Schema = Record<string, unknown>;

/** A schema of tests/unit/deploy/schemas as a definition of a resource takes it: without references and exact values. */
function structural(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(structural);
  if (schema === null || typeof schema !== 'object') return schema;
  const { additionalProperties, $ref, const: _, type, ...rest } = schema as Schema;
  if ($ref !== undefined) return { type: 'object' };
  if (Array.isArray(type)) return { 'x-kubernetes-int-or-string': true };
  const kept = Object.fromEntries(
    Object.entries(rest).map(([keyword, value]) => [
      keyword,
      keyword === 'properties' ? properties(value as Schema) : structural(value),
    ]),
  );
  return {
    type: type ?? (_ === undefined ? 'object' : 'string'),
    ...kept,
    ...(typeof additionalProperties === 'object' && { additionalProperties: structural(additionalProperties) }),
  };
}
const properties = (of: Schema) =>
  Object.fromEntries(Object.entries(of).map(([name, schema]) => [name, structural(schema)]));

/** The definition of a custom resource, from the schema that the tests use. */
export function definitionOf(kind: string, plural: string): Schema {
  const path = new URL(`../unit/deploy/schemas/${kind.toLowerCase()}.json`, import.meta.url);
  const schema = JSON.parse(readFileSync(path, 'utf8')) as { properties: { apiVersion: { const: string } } };
  const [group = '', version = ''] = schema.properties.apiVersion.const.split('/');
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      ...(group.endsWith('k8s.io') && { annotations: { 'api-approved.kubernetes.io': 'unapproved' } }),
    },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase() },
      versions: [
        { name: version, served: true, storage: true, schema: { openAPIV3Schema: structural(schema) as Schema } },
      ],
    },
  };
}
