import {
  type Callback,
  type RedisOptions,
  type SentinelConnectionOptions,
  SentinelConnector,
  Redis as Server,
} from 'ioredis';

/** The options of ioredis except `replyMapping`, which would change the types of replies. */
type ServerOptions = Omit<RedisOptions, 'replyMapping'>;

/**
 * Options of a connection. `resends` applies to a command that a read-only server has refused: true sends the command
 * again to the new master; false makes it fail with the error of that server.
 */
export type LastingOptions = ServerOptions & { resends?: boolean };

/**
 * The maximum time in ms that a connection waits for a reply while nothing arrives. Afterwards the socket is replaced,
 * and commands without a reply are sent again. Otherwise a command would wait forever on a socket whose other end
 * vanished without closing it. BullMQ waits in Redis for at most 10 s (BZPOPMIN); the remaining 5 s are a margin.
 */
const silenceMs = 15_000;
/**
 * The maximum time in ms for opening a socket, and for the reply of a sentinel. If a sentinel is unreachable, the
 * connection is established later by this time.
 */
const openingMs = 5_000;
/** The minimum delay in ms before the next connection attempt, if the server has recently refused writes. */
const readOnlyDelayMs = 1_000;
/** The time in ms after a server has refused a write during which that refusal counts as recent. */
const recentMs = 5_000;

/** The time limits of every connection to a server: single, found by sentinels, or part of a cluster. */
export const connectionLimits = { socketTimeout: silenceMs, connectTimeout: openingMs } as const;

/** Returns the delay in ms before the nth connection attempt. */
export const retryDelay = (attempt: number): number => Math.min(100 * attempt, 1_000);

/**
 * Clears the state of the sentinel client before each connection attempt. While ioredis asks the sentinels for the
 * master, it still has the subscription of the previous connection. If a `+switch-master` message arrives there,
 * ioredis cancels the attempt and never tries again. After such a failover, workers stopped working.
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

/** Connections that the program has asked to end. */
const leaving = new WeakSet<Server>();

/**
 * A connection to one server that ends only when the program asks for it. Its duplicates, which BullMQ creates to wait
 * for jobs, have the same property.
 */
export class LastingServer extends Server {
  /**
   * @param url the URL or socket path of the server. It is omitted when sentinels name the master; then `options`
   * contains the sentinels.
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
      // A master that became a replica refuses writes, and its address may now belong to another server, so a new
      // socket is opened. If the server still refuses writes, the next attempt is delayed.
      reconnectOnError: ({ message }) => {
        if (!message.startsWith('READONLY')) return false;
        const isNews = performance.now() - refusedAt > recentMs;
        if (isNews || resends) refusedAt = performance.now();
        if (resends) return 2;
        return isNews ? 1 : false;
      },
    };
    // ioredis accepts undefined as an argument, although its types do not allow it.
    super(url as string, lasting);
    // The method is assigned instead of overridden, because the type of an override would depend on the options of each
    // call.
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
   * @param reconnect true to open a new socket afterwards. When several commands are refused on one socket, only the
   * first call has an effect, because each call would add a listener.
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
