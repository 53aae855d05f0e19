/** The result of a check. `fault` says what is missing and what to do. */
export interface Finding {
  name: string;
  fault: string | undefined;
}

/** Runs kubectl and returns its output. @throws {Error} if it fails. */
export type Kubectl = (...args: string[]) => Promise<string>;

export const overlays = ['standard', 'scaled', 'gpu'] as const;
export type Overlay = (typeof overlays)[number];

const namespace = 'vls';
/** The API uses `preStop.sleep`, which Kubernetes enables by default since 1.30. */
const leastMinor = 30;

interface Secret {
  data?: Record<string, string>;
}
interface List<Item> {
  items: Item[];
}

/** Returns true for the Redis of the base configuration, the Service `redis`. */
const isOwnRedis = (url: string): boolean => /^rediss?:\/\/([^@/]*@)?redis(\.vls[^:/]*)?(:\d+)?(\/|$)/.test(url);

/** Checks that a cluster has everything that an overlay needs. Changes nothing. */
export async function preflight(kubectl: Kubectl, overlay: Overlay): Promise<Finding[]> {
  const findings: Finding[] = [];
  const check = async (name: string, find: () => Promise<string | undefined>) => {
    const fault = await find().catch((error: Error) => error.message.trim().split('\n').at(-1));
    findings.push({ name, fault });
  };
  const read = async <Value>(...args: string[]) => JSON.parse(await kubectl(...args, '-o', 'json')) as Value;

  await check(`Kubernetes 1.${leastMinor} or newer`, async () => {
    const { serverVersion } = await read<{ serverVersion: { major: string; minor: string } }>('version');
    const minor = Number.parseInt(serverVersion.minor, 10);
    return serverVersion.major === '1' && minor < leastMinor ? `it is 1.${minor}` : undefined;
  });
  const secret = async (name: string): Promise<Record<string, string>> => {
    const { data = {} } = await read<Secret>('-n', namespace, 'get', 'secret', name);
    return Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
    );
  };
  const checkSecret = (name: string, keys: readonly string[], how: string) =>
    check(`the Secret ${name} with ${keys.join(' and ')}`, async () => {
      const data = await secret(name);
      const missing = keys.filter((key) => data[key] === undefined);
      return missing.length === 0 ? undefined : `it has no ${missing.join(', ')}: ${how} (docs/deployment.md)`;
    });
  await checkSecret('api-keys', ['keys.ndjson'], 'without it the API refuses everybody');
  await checkSecret('metrics-token', ['token'], 'without it Prometheus gets 401');
  const { url } = await secret('redis').catch((): Record<string, string> => ({}));
  // If the URL names an external Redis, the Kustomize component external-redis removes our
  // StatefulSet of Redis, so its password and its volume need no check.
  const isExternal = url !== undefined && !isOwnRedis(url);
  await checkSecret('redis', isExternal ? ['url'] : ['password', 'url'], 'without it no pod starts');
  if (!isExternal) {
    await check('the Secret redis has the same password in url and in password', async () => {
      const { password, url: address = '' } = await secret('redis');
      return decodeURIComponent(new URL(address).password) === password ? undefined : 'the two passwords differ';
    });
    await check('a default StorageClass, which the volume of Redis uses', async () => {
      const { items } = await read<List<{ metadata: { annotations?: Record<string, string> } }>>('get', 'storageclass');
      const isDefault = 'storageclass.kubernetes.io/is-default-class';
      const found = items.some(({ metadata }) => metadata.annotations?.[isDefault] === 'true');
      return found
        ? undefined
        : 'the cluster has none: set storageClassName in the volumeClaimTemplate of the StatefulSet redis';
    });
  }
  if (overlay === 'standard') return findings;

  await check('KEDA 2.17 or newer', async () => {
    const crd = await read<{ spec: { versions: { schema?: { openAPIV3Schema?: object } }[] } }>(
      'get',
      'crd',
      'scaledobjects.keda.sh',
    );
    const path = ['spec', 'fallback', 'behavior'];
    const hasBehavior = crd.spec.versions.some(({ schema }) => {
      let at = schema?.openAPIV3Schema as { properties?: Record<string, object> } | undefined;
      for (const name of path) at = at?.properties?.[name];
      return at !== undefined;
    });
    return hasBehavior ? undefined : 'the installed KEDA is older and ignores fallback.behavior; upgrade it';
  });
  await check('metrics-server, for the scaling of the API by CPU', async () => {
    const { status } = await read<{ status?: { conditions?: { type: string; status: string }[] } }>(
      'get',
      'apiservice',
      'v1beta1.metrics.k8s.io',
    );
    const isAvailable = status?.conditions?.some(({ type, status }) => type === 'Available' && status === 'True');
    return isAvailable ? undefined : 'metrics-server is not available; install it';
  });
  await check('a Service prometheus in the namespace monitoring', async () => {
    await read('-n', 'monitoring', 'get', 'service', 'prometheus');
    return undefined;
  });
  if (overlay === 'gpu') {
    await check('a node with an NVIDIA GPU and its label', async () => {
      const { items } = await read<List<object>>('get', 'nodes', '-l', 'nvidia.com/gpu.present=true');
      return items.length > 0 ? undefined : 'no such node exists now; a cluster autoscaler may add one';
    });
  }
  return findings;
}
