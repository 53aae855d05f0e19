import { readFileSync } from 'node:fs';
import { until } from '../../testing/until.ts';
import { same } from './report.ts';

type Kubectl = (...args: string[]) => Promise<{ stdout: string; stderr: string }>;

const guide = readFileSync(new URL('../../docs/backup.md', import.meta.url), 'utf8');

/** The commands of the guide for a restore in Kubernetes, each as the words after `kubectl`. */
function commandsOfGuide(): string[][] {
  const [, block = ''] = /In Kubernetes, a pod with a new volume[\s\S]*?```sh\n([\s\S]*?)```/.exec(guide) ?? [];
  return block
    .split(/\n|&&/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => line.split(/\s+/).slice(1));
}

/**
 * Runs the commands of docs/backup.md on an API server that has the overlay `scaled`. There are no controllers and no nodes:
 * what these do is done here, and commands inside the pod (`exec`) are not run. tests/integration/deploy/backup.test.ts runs
 * their script.
 */
export async function restoreOnCluster(kubectl: Kubectl): Promise<string> {
  const json = async <Value>(...args: string[]) =>
    JSON.parse((await kubectl('-n', 'vls', ...args, '-o', 'json')).stdout) as Value;
  const names = async (kind: string) =>
    (await json<{ items: { metadata: { name: string } }[] }>('get', kind)).items.map(({ metadata }) => metadata.name);
  const replicas = async () => {
    const kinds = await Promise.all(
      ['deployment', 'statefulset'].map((kind) => json<{ items: { spec: { replicas: number } }[] }>('get', kind)),
    );
    return kinds.flatMap(({ items }) => items.map(({ spec }) => spec.replicas));
  };
  const paused = async () => {
    const { items } = await json<{ items: { metadata: { annotations?: Record<string, string> } }[] }>(
      'get',
      'scaledobject',
    );
    return items.map(({ metadata }) => metadata.annotations?.['autoscaling.keda.sh/paused-replicas'] ?? '');
  };
  /** What the controller of volumes does once no pod uses the claim. */
  const release = () =>
    until(
      () =>
        kubectl('-n', 'vls', 'patch', 'pvc', 'data-redis-0', '--type=merge', '-p', '{"metadata":{"finalizers":null}}'),
      { everyMs: 500, withinMs: 30_000 },
    );
  const ready = JSON.stringify({ status: { conditions: [{ type: 'Ready', status: 'True' }] } });

  // The volume that is lost, and the pod of an earlier check.
  await kubectl('-n', 'vls', 'delete', 'pod', 'restore', '--ignore-not-found');
  const before = await json<{ metadata: { uid: string } }>('get', 'pvc', 'data-redis-0');
  const commands = commandsOfGuide();
  let executed = 0;
  for (const command of commands) {
    const text = command.join(' ');
    if (command.includes('exec')) {
      const pod = await json<{ spec: { containers: { volumeMounts: { mountPath: string }[] }[] } }>(
        'get',
        'pod',
        'restore',
      );
      const mounts = pod.spec.containers.flatMap(({ volumeMounts }) => volumeMounts.map(({ mountPath }) => mountPath));
      const paths = [...text.matchAll(/(\/\w+)/g)].map(([path]) => path);
      for (const mount of ['/data', '/etc/redis', '/snapshot']) {
        if (text.includes(mount)) same(mounts.includes(mount), true, `${mount} among the mounts of the pod`);
      }
      same(paths.length > 0, true, 'the presence of a path');
      continue;
    }
    if (/wait .*pod\/restore/.test(text))
      await kubectl('-n', 'vls', 'patch', 'pod', 'restore', '--subresource=status', '--type=merge', '-p', ready);
    await Promise.all([kubectl(...command), text.includes('delete pvc') ? release() : undefined]);
    executed += 1;
    if (text.includes('statefulset redis --replicas 0')) {
      same([...new Set(await replicas())], [0], 'the set of replicas');
      same([...new Set(await paused())], ['0'], 'the annotation of each ScaledObject');
    }
  }
  same([...new Set(await replicas())], [1], 'the set of replicas');
  same([...new Set(await paused())], [''], 'the annotation of each ScaledObject');
  same((await names('pod')).includes('restore'), false, 'the presence of the pod');
  const after = await json<{ metadata: { uid: string } }>('get', 'pvc', 'data-redis-0');
  same(after.metadata.uid !== before.metadata.uid, true, 'the presence of a new volume');
  if (executed < 8) throw new Error(`the guide has only ${executed} commands`);
  return `${executed} commands, ${commands.length - executed} inside the pod left out`;
}
