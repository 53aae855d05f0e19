import { Cluster, type ClusterOptions, type RedisOptions, type Redis as Server } from 'ioredis';
import type { Logger } from '../log.ts';
import { connectionLimits } from './lasting-server.ts';
import type { Redis } from './masters.ts';
import { reasonOf } from './reason.ts';
import { type RedisTarget, userOf } from './url.ts';

/** The servers of each cluster to which the connection is broken, as `host:port`. */
const away = new WeakMap<Cluster, Set<string>>();

/**
 * The options of `producer` and `consumer` connections. While a server is unavailable, ioredis resends a command every
 * 100 ms and counts each attempt as a redirection. The limit on redirections makes a command of a `producer` fail after
 * half a second. This time is long enough to wait while hash slots are moved.
 */
const roles = {
  producer: {
    enableOfflineQueue: false,
    maxRedirections: 5,
    redisOptions: { commandTimeout: 10_000, connectTimeout: 3_000 },
  },
  consumer: { maxRedirections: Number.POSITIVE_INFINITY, redisOptions: { maxRetriesPerRequest: null } },
} as const satisfies Record<string, ClusterOptions>;

/**
 * BullMQ uses a duplicate of the connection to wait for jobs, and replaces the duplicate when a command fails. If
 * commands were resent without limit, none would fail, and a worker could not stop after an outage.
 */
class ClusterForQueues extends Cluster {
  override duplicate(...[nodes, options]: Parameters<Cluster['duplicate']>): Cluster {
    return endsForGood(super.duplicate(nodes, { ...options, maxRedirections: 16 }));
  }
}

/**
 * Keeps the status `end` of a cluster connection that has ended. ioredis would set it back to `close` for each server
 * connection that ends later, and BullMQ would then wait for a change that never comes.
 */
function endsForGood(cluster: Cluster): Cluster {
  cluster.on('close', () => {
    process.nextTick(() => {
      if (cluster.status !== 'close') return;
      cluster.status = 'end';
      cluster.emit('end');
    });
  });
  return cluster;
}

/**
 * Opens a connection to a cluster. The outage of a server is logged once at its beginning and once at its end. During
 * the outage, keys on the other servers remain usable.
 */
export function connectCluster(
  target: RedisTarget & { kind: 'cluster' },
  role: keyof typeof roles,
  own: Pick<RedisOptions, 'tls' | 'connectionName'>,
  retryDelay: (attempt: number) => number,
  log: Logger,
): Cluster {
  const { redisOptions, ...options } = roles[role];
  const cluster = new ClusterForQueues(target.nodes, {
    ...options,
    redisOptions: { ...connectionLimits, ...redisOptions, ...own, ...userOf(target) },
    clusterRetryStrategy: retryDelay,
    // Host names are not resolved here, because certificates contain the names. The cluster itself announces the
    // addresses of its servers.
    dnsLookup: (host, callback) => callback(null, host),
    // Without this setting, a change of the hash slots would be noticed only when a command reaches the wrong server.
    slotsRefreshInterval: 10_000,
    slotsRefreshTimeout: 3_000,
  });
  const lost = new Set<string>();
  away.set(cluster, lost);
  cluster.on('+node', (node: Server) => {
    const name = nameOf(node);
    const leave = (reason: string) => {
      if (cluster.status !== 'ready' || lost.has(name) || !isNeeded(cluster, name)) return;
      lost.add(name);
      log.warn({ role, node: name, reason }, 'cannot reach a server of the Redis cluster');
    };
    node.on('error', (error: Error) => leave(reasonOf(error)));
    node.on('close', () => leave('the connection was closed'));
    node.on('ready', () => {
      if (lost.delete(name)) log.info({ role, node: name }, 'the server of the Redis cluster is back');
    });
    // ioredis connects to a server only to send a command. The ping makes it notice that the server is available again.
    if (lost.has(name)) node.ping().catch(() => {});
  });
  return cluster;
}

/**
 * Returns true if Redis is connected. A cluster is connected if every server with hash slots is, as far as this process
 * knows.
 */
export function isWhole(redis: Redis): boolean {
  if (redis.status !== 'ready') return false;
  return !(redis instanceof Cluster && [...(away.get(redis) ?? [])].some((name) => isNeeded(redis, name)));
}

const nameOf = ({ options: { host, port } }: Server): string => `${host}:${port}`;

/** Returns true if a server of the cluster has hash slots. A server that was removed from the cluster has none. */
const isNeeded = (cluster: Cluster, name: string): boolean => cluster.slots.some(([master]) => master === name);
