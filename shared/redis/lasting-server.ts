import {
  type Callback,
  type RedisOptions,
  type SentinelConnectionOptions,
  SentinelConnector,
  Redis as Server,
} from 'ioredis';

/** Without the one option that changes the types of replies. */
type ServerOptions = Omit<RedisOptions, 'replyMapping'>;

/** `resends`: what a read-only server refused is sent again, to the master of then; else the refusal is thrown. */
export type LastingOptions = ServerOptions & { resends?: boolean };

/**
 * Longest silence on a connection that waits for an answer, in milliseconds; then its socket is destroyed, another is
 * opened, and what had no answer is sent again. Nothing else ends a wait on a socket whose other end is gone without a
 * word. BullMQ lets Redis block for 10 s at most (BZPOPMIN); the rest is margin.
 */
const silenceMs = 15_000;
/** Longest wait for a socket to open, and for the answer of a sentinel, in milliseconds: a dead one of several costs this. */
const openingMs = 5_000;
/** Delay before the next attempt at a server that took no writes a moment ago, in milliseconds. */
const readOnlyDelayMs = 1_000;
/** How long ago a refusal of writes delays attempts, in milliseconds. */
const recentMs = 5_000;

/** Limits of every connection to a server, whether it stands alone, is found by sentinels, or belongs to a cluster. */
export const connectionLimits = { socketTimeout: silenceMs, connectTimeout: openingMs } as const;

/** Delay before the nth attempt at a connection, in milliseconds. */
export const retryDelay = (attempt: number): number => Math.min(100 * attempt, 1_000);

/**
 * Forgets what sentinels said before each attempt. ioredis leaves the subscription of the connection before in place
 * while it asks the sentinels for the master; `+switch-master` heard in that moment calls off the attempt, and ioredis
 * makes no other: the connection has ended for good. That is how workers fell silent after a failover.
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

/** Those that were asked to end. */
const leaving = new WeakSet<Server>();

/**
 * A connection to one server that ends only when it is asked to. So do its duplicates, which BullMQ makes to wait for
 * jobs.
 */
export class LastingServer extends Server {
  /** @param url of a server, or the path of its socket; of a master that sentinels name the options say all. */
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
      // A demoted master takes no writes, and its address may lead to another by now. One that stays read-only is tried
      // again and again, not faster than it can be of use.
      reconnectOnError: ({ message }) => {
        if (!message.startsWith('READONLY')) return false;
        const isNews = performance.now() - refusedAt > recentMs;
        if (isNews || resends) refusedAt = performance.now();
        if (resends) return 2;
        return isNews ? 1 : false;
      },
    };
    // ioredis skips an argument that is undefined, though its types do not say so.
    super(url as string, lasting);
    // In place of an override, whose type would depend on the options of each call.
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

  /** @param reconnect opens another socket; the refusals of one socket count as one, as each would add a listener. */
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
