import { Cluster, type ClusterOptions, type RedisOptions, type Redis as Server } from 'ioredis';
import type { Logger } from '../log.ts';
import { connectionLimits } from './lasting-server.ts';
import type { Redis } from './masters.ts';
import { reasonOf } from './reason.ts';
import { type RedisTarget, userOf } from './url.ts';

/** Servers of a cluster whose connection broke and has not come back, by `host:port`. */
const away = new WeakMap<Cluster, Set<string>>();

/**
 * What `producer` and `consumer` mean here. While a server is away its commands are sent again every 100 ms, and each
 * time counts as a redirection: a request waits half a second, long enough for slots that are being moved.
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
 * BullMQ duplicates a connection to wait for jobs on, and mends the duplicate when a command of it fails: one that is
 * sent again for ever never fails, and a worker could not stop after an outage.
 */
class ClusterForQueues extends Cluster {
  override duplicate(...[nodes, options]: Parameters<Cluster['duplicate']>): Cluster {
    return endsForGood(super.duplicate(nodes, { ...options, maxRedirections: 16 }));
  }
}

/**
 * ioredis says `close` of a cluster once more for each server whose connection ends after the cluster has ended, and
 * stays there. BullMQ would then wait for a change that nobody makes.
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
 * A connection to a cluster. A server that is away is told of once, and again when it is back; what belongs to the
 * others goes on.
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
    // A name stays a name: a certificate is made out to it, and the servers' own addresses come from the cluster.
    dnsLookup: (host, callback) => callback(null, host),
    // Until a command is sent to the wrong server nobody tells of a change.
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
      log.warn({ role, node: name, reason }, 'a server of the Redis cluster cannot be reached');
    };
    node.on('error', (error: Error) => leave(reasonOf(error)));
    node.on('close', () => leave('the connection was closed'));
    node.on('ready', () => {
      if (lost.delete(name)) log.info({ role, node: name }, 'the server of the Redis cluster is back');
    });
    // One that nobody sends a command to would never be found to be back.
    if (lost.has(name)) node.ping().catch(() => {});
  });
  return cluster;
}

/** Whether Redis answers, and each server that a cluster needs, as far as this process has noticed. */
export function isWhole(redis: Redis): boolean {
  if (redis.status !== 'ready') return false;
  return !(redis instanceof Cluster && [...(away.get(redis) ?? [])].some((name) => isNeeded(redis, name)));
}

const nameOf = ({ options: { host, port } }: Server): string => `${host}:${port}`;

/** Whether it holds slots; one that was taken out of the cluster is missed by nobody. */
const isNeeded = (cluster: Cluster, name: string): boolean => cluster.slots.some(([master]) => master === name);
