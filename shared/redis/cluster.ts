import { Cluster, type ClusterOptions, type RedisOptions, type Redis as Server } from 'ioredis';
import type { Logger } from '../log.ts';
import { connectionLimits } from './lasting-server.ts';
import type { Redis } from './masters.ts';
import { reasonOf } from './reason.ts';
import { type RedisTarget, userOf } from './url.ts';

/** Servers with a broken connection, by cluster, as `host:port`. */
const away = new WeakMap<Cluster, Set<string>>();

/**
 * While a server is unavailable, ioredis resends a command every 100 ms and counts each resend as a redirection. A
 * `producer` gives up after five redirections (half a second). That is long enough for hash slots to move to another
 * server.
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
 * BullMQ waits for jobs on a duplicate of the connection, and replaces it when a command fails. With unlimited resends,
 * a worker could not stop after an outage.
 */
class ClusterForQueues extends Cluster {
  override duplicate(...[nodes, options]: Parameters<Cluster['duplicate']>): Cluster {
    return endsForGood(super.duplicate(nodes, { ...options, maxRedirections: 16 }));
  }
}

/**
 * Keeps the status `end`. ioredis would set it back to `close` for each server connection that ends later, and BullMQ
 * would wait forever.
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
 * Opens a connection to a cluster. Logs the beginning and end of each server's outage, during which the other servers'
 * keys remain usable.
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
    // Certificates contain the host names, so they are not resolved here.
    dnsLookup: (host, callback) => callback(null, host),
    // Without it, a change of hash slots is noticed only when a command reaches the wrong server.
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
    // ioredis connects only to send a command. The ping makes it notice that the server is back.
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

/** Returns true if the server has hash slots. A removed server has none. */
const isNeeded = (cluster: Cluster, name: string): boolean => cluster.slots.some(([master]) => master === name);
