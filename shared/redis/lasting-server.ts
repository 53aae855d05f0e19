import {
  type Callback,
  type RedisOptions,
  type SentinelConnectionOptions,
  SentinelConnector,
  Redis as Server,
} from 'ioredis';

/** `replyMapping` would change the types of replies. */
type ServerOptions = Omit<RedisOptions, 'replyMapping'>;

/** `resends`: true sends commands that a read-only server refused to the new master; false makes them fail. */
export type LastingOptions = ServerOptions & { resends?: boolean };

/**
 * The maximum silence in ms while a reply is due. Then the socket is replaced and commands are sent again, because its
 * other end may have vanished. BullMQ waits in Redis for at most 10 s (BZPOPMIN).
 */
const silenceMs = 15_000;
/**
 * The maximum time in ms for opening a socket, and for a sentinel's reply. An unreachable sentinel delays the
 * connection by this time.
 */
const openingMs = 5_000;
/** The minimum delay in ms before the next attempt after a recent refusal of writes. */
const readOnlyDelayMs = 1_000;
/** The time in ms for which a refused write counts as recent. */
const recentMs = 5_000;

export const connectionLimits = { socketTimeout: silenceMs, connectTimeout: openingMs } as const;

/** Returns the delay in ms before the nth connection attempt. */
export const retryDelay = (attempt: number): number => Math.min(100 * attempt, 1_000);

/**
 * Clears the sentinel client's state before each connection attempt. Otherwise a `+switch-master` message
 * (failover) on the previous subscription cancels the attempt, no other attempt follows, and workers stop.
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
 * A connection to one server that ends only when the program asks. So do its duplicates, on which BullMQ waits for
 * jobs.
 */
export class LastingServer extends Server {
  /** @param url the URL or socket path; omitted when `options` contains sentinels. */
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
      // A former master refuses writes, and its address may now belong to another server. If that one refuses writes
      // too, the next attempt is delayed.
      reconnectOnError: ({ message }) => {
        if (!message.startsWith('READONLY')) return false;
        const isNews = performance.now() - refusedAt > recentMs;
        if (isNews || resends) refusedAt = performance.now();
        if (resends) return 2;
        return isNews ? 1 : false;
      },
    };
    // ioredis accepts undefined, although its types do not allow it.
    super(url as string, lasting);
    // `duplicate` is assigned, because the type of an override would depend on the options of each call.
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
   * @param reconnect opens a new socket afterwards. Only the first call for a socket has an effect, because each would
   * add a listener.
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
