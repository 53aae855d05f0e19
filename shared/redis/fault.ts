/** The faults of Redis, with the message that health checks and the log show. */
export const redisFaults = {
  unreachable: 'Redis cannot be reached',
  silent: 'Redis accepts connections but does not answer',
  loading: 'Redis is loading its data',
  password: 'Redis rejects the user or password in REDIS_URL',
  not_permitted: 'The Redis user lacks permissions for the commands or keys of this service',
  read_only: 'Redis is a read-only replica',
  full: 'Redis is full',
  disk: 'Redis cannot save to disk and refuses writes',
  replicas: 'Redis has too few connected replicas and refuses writes',
  cluster: 'A server of the Redis cluster is not available',
  refused: 'Redis refuses the commands of this service',
} as const;
export type RedisFault = keyof typeof redisFaults;

/** The faults during which Redis answers but refuses writes. */
export const refusals: ReadonlySet<RedisFault> = new Set([
  'not_permitted',
  'read_only',
  'full',
  'disk',
  'replicas',
  'refused',
]);

/**
 * Patterns for the first word of an error reply, which states the kind of error. The rest of the reply differs between
 * versions of Redis.
 */
const byReply: readonly [RegExp, RedisFault][] = [
  [/^LOADING/, 'loading'],
  [/^(NOAUTH|WRONGPASS|invalid password)/, 'password'],
  [/^NOPERM/, 'not_permitted'],
  [/^READONLY/, 'read_only'],
  [/^OOM/, 'full'],
  [/^MISCONF/, 'disk'],
  [/^NOREPLICAS|^MASTERDOWN/, 'replicas'],
  [/^(CLUSTERDOWN|TRYAGAIN|MOVED|ASK) |^\w+ (MOVED|ASK) /, 'cluster'],
];

/**
 * Returns the fault of Redis that an error reply reports. Returns undefined if the reply concerns only the command. In
 * Redis 6, the reply to a failed script begins with a prefix, which is ignored.
 */
export function faultOfReply(message: string): RedisFault | undefined {
  const reply = message.replace(/^(ERR )?(Error running script.*?: )?(@\w+: ?\d+: )?-?/, '');
  return byReply.find(([pattern]) => pattern.test(reply))?.[1];
}

/**
 * Runs a write. Returns `full` when Redis refuses the write because its memory is full, for callers that can continue
 * without it.
 */
export async function unlessFull<Value>(step: () => Promise<Value>): Promise<Value | 'full'> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof Error && faultOfReply(error.message) === 'full') return 'full';
    throw error;
  }
}
