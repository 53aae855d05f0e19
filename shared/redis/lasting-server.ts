import {
  type Callback,
  type RedisOptions,
  type SentinelConnectionOptions,
  SentinelConnector,
  Redis as Server,
} from 'ioredis';

/** The options of ioredis without `replyMapping`, which changes the types of replies. */
type ServerOptions = Omit<RedisOptions, 'replyMapping'>;

/**
 * Options of a connection. `resends`: true to send a command again, to the new master, when a read-only server has
 * refused it. Otherwise the command fails with the refusal.
 */
export type LastingOptions = ServerOptions & { resends?: boolean };

/**
 * The maximum silence in ms on a connection that waits for a reply. After it, the socket is replaced and commands
 * without a reply are sent again. Otherwise a command would wait forever on a socket whose other end vanished without
 * closing it. BullMQ blocks for at most 10 s (BZPOPMIN); the rest is a margin.
 */
const silenceMs = 15_000;
/**
 * The maximum time in ms for a socket to open and for a sentinel to reply. Each unreachable sentinel costs this time.
 */
const openingMs = 5_000;
/** The minimum delay in ms before the next connection attempt after a server has recently refused writes. */
const readOnlyDelayMs = 1_000;
/** The time in ms for which a refusal of writes counts as recent. */
const recentMs = 5_000;

/** The time limits of every connection to a server: single, found by sentinels, or part of a cluster. */
export const connectionLimits = { socketTimeout: silenceMs, connectTimeout: openingMs } as const;

/** Returns the delay in ms before the nth connection attempt. */
export const retryDelay = (attempt: number): number => Math.min(100 * attempt, 1_000);

/**
 * Clears the sentinel state before each attempt. ioredis keeps the subscription of the previous connection while it
 * asks the sentinels for the master. If a `+switch-master` message arrives at that time, ioredis cancels the attempt
 * and makes no other, so the connection has ended for good. Workers stopped working after a failover in this way.
 */
class FreshSentinelConnector extends SentinelConnector {
  constructor(options: unknown) {
    super(options as SentinelConnectionOptions);
  }

  override connect(...args: Parameters<SentinelConnector['connect']>): ReturnType<SentinelConnector['connect']> {
    this.disconnect();
    return super.connect(...args);
  }
}

/** Connections whose end was requested. */
const leaving = new WeakSet<Server>();

/**
 * A connection to one server that ends only when the program asks for it. The same holds for duplicates, which BullMQ
 * creates to wait for jobs.
 */
export class LastingServer extends Server {
  /**
   * @param url the URL or socket path of the server. Not needed for a master that sentinels name, which the options
   * describe.
   */
  constructor(options: LastingOptions, url?: string) {
    const { resends = false } = options;
    let refusedAt = Number.NEGATIVE_INFINITY;
    const lasting: LastingOptions = {
      ...connectionLimits,
      ...options,
      sentinelCommandTimeout: openingMs,
      ...(options.sentinels && { Connector: FreshSentinelConnector }),
      retryStrategy: (attempt) =>
        performance.now() - refusedAt < recentMs ? Math.max(readOnlyDelayMs, retryDelay(attempt)) : retryDelay(attempt),
      // A master that became a replica refuses writes, and its address may lead to another server now. A server that
      // stays read-only is retried with a delay.
      reconnectOnError: ({ message }) => {
        if (!message.startsWith('READONLY')) return false;
        const isNews = performance.now() - refusedAt > recentMs;
        if (isNews || resends) refusedAt = performance.now();
        if (resends) return 2;
        return isNews ? 1 : false;
      },
    };
    // ioredis accepts an undefined argument, although its types do not say so.
    super(url as string, lasting);
    // Assigned because the type of an override would depend on the options of each call.
    this.duplicate = ((override: LastingOptions = {}) =>
      new LastingServer({ ...(this.options as LastingOptions), ...override })) as Server['duplicate'];
    this.on('end', () => {
      if (leaving.has(this)) return;
      setTimeout(() => {
        if (this.status === 'end' && !leaving.has(this)) this.connect().catch(() => {});
      }, retryDelay(1));
    });
  }

  override connect(callback?: Callback<void>): Promise<void> {
    leaving.delete(this);
    return super.connect(callback);
  }

  /**
   * @param reconnect true to open another socket. Several refusals on one socket count once, as each would add a
   * listener.
   */
  override disconnect(reconnect = false): void {
    if (reconnect && this.status === 'ready' && this.stream.writableEnded) return;
    if (!reconnect) leaving.add(this);
    super.disconnect(reconnect);
  }

  override quit(callback?: Callback<'OK'>): Promise<'OK'> {
    leaving.add(this);
    return super.quit(callback);
  }
}
