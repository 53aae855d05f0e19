import { Cluster, type ClusterOptions, type RedisOptions, type Redis as Server } from 'ioredis';
import type { Logger } from '../log.ts';
import { connectionLimits } from './lasting-server.ts';
import type { Redis } from './masters.ts';
import { reasonOf } from './reason.ts';
import { type RedisTarget, userOf } from './url.ts';

/** For each cluster: the servers to which the connection is broken, as `host:port`. */
const away = new WeakMap<Cluster, Set<string>>();

/**
 * The options of `producer` and `consumer` connections. While a server is away, ioredis sends its commands again every
 * 100 ms, and counts each time as a redirection. So a command of a `producer` waits at most half a second. That is
 * enough while hash slots are moved.
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
 * BullMQ duplicates a connection to wait for jobs, and replaces the duplicate when a command fails. If a command were
 * resent without limit, it would never fail, and a worker could not stop after an outage.
 */
class ClusterForQueues extends Cluster {
  override duplicate(...[nodes, options]: Parameters<Cluster['duplicate']>): Cluster {
    return endsForGood(super.duplicate(nodes, { ...options, maxRedirections: 16 }));
  }
}

/**
 * Keeps the status of a cluster connection at `end` once it has ended. ioredis sets the status back to `close` for each
 * server connection that ends later, and BullMQ would then wait for a change that never comes.
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
 * Opens a connection to a cluster. Logs the beginning and the end of each server's outage once. During an outage, keys
 * on other servers remain usable.
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
    // Host names are not resolved here: certificates name them, and the cluster announces the servers' addresses.
    dnsLookup: (host, callback) => callback(null, host),
    // Otherwise a change of the hash slots is noticed only when a command reaches the wrong server.
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
    // ioredis connects to a server when it has a command for it. Without a command, the return of the server would not
    // be noticed.
    if (lost.has(name)) node.ping().catch(() => {});
  });
  return cluster;
}

/**
 * Returns true if Redis is connected. For a cluster: returns true if every server with hash slots is connected, as far
 * as this process knows.
 */
export function isWhole(redis: Redis): boolean {
  if (redis.status !== 'ready') return false;
  return !(redis instanceof Cluster && [...(away.get(redis) ?? [])].some((name) => isNeeded(redis, name)));
}

const nameOf = ({ options: { host, port } }: Server): string => `${host}:${port}`;

/** Returns true if a server has hash slots. A server that was removed from the cluster has none. */
const isNeeded = (cluster: Cluster, name: string): boolean => cluster.slots.some(([master]) => master === name);
