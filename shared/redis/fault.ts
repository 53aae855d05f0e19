/** The faults of Redis, with the message in health checks and logs. */
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

/** Patterns for the first word of an error reply. The rest differs between versions of Redis. */
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
 * Returns the fault that an error reply reports, or undefined if it concerns only the command. Ignores the prefix that
 * Redis 6 adds after a failed script.
 */
export function faultOfReply(message: string): RedisFault | undefined {
  const reply = message.replace(/^(ERR )?(Error running script.*?: )?(@\w+: ?\d+: )?-?/, '');
  return byReply.find(([pattern]) => pattern.test(reply))?.[1];
}

/** Runs a write. Returns `full` when the memory of Redis is full, for callers that can continue. */
export async function unlessFull<Value>(step: () => Promise<Value>): Promise<Value | 'full'> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof Error && faultOfReply(error.message) === 'full') return 'full';
    throw error;
  }
}
