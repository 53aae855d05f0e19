/** What keeps Redis from serving, one cause each, as health and log name it. */
export const redisFaults = {
  unreachable: 'Redis cannot be reached',
  silent: 'Redis accepts connections and does not answer',
  loading: 'Redis is loading its data',
  password: 'Redis does not accept the user or password of REDIS_URL',
  not_permitted: 'Redis does not permit its user the commands and keys of this service',
  read_only: 'Redis is a read-only replica',
  full: 'Redis is full',
  disk: 'Redis cannot save to its disk and refuses writes',
  replicas: 'Redis has too few replicas that follow it and refuses writes',
  cluster: 'The Redis cluster is not whole',
  refused: 'Redis refuses the commands of this service',
} as const;
export type RedisFault = keyof typeof redisFaults;

/** With these Redis answers, and takes no writes. */
export const refusals: ReadonlySet<RedisFault> = new Set([
  'not_permitted',
  'read_only',
  'full',
  'disk',
  'replicas',
  'refused',
]);

/** The first word of an error reply says its kind; the rest is for people and differs between versions. */
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
 * The fault that an error reply of Redis speaks of, or nothing when it is about the command alone. Errors that a script
 * passes on carry words of their own before the reply's, in Redis 6.
 */
export function faultOfReply(message: string): RedisFault | undefined {
  const reply = message.replace(/^(ERR )?(Error running script.*?: )?(@\w+: ?\d+: )?-?/, '');
  return byReply.find(([pattern]) => pattern.test(reply))?.[1];
}

/** Does a step that a full Redis may refuse, where what follows must be done all the same. */
export async function unlessFull<Value>(step: () => Promise<Value>): Promise<Value | 'full'> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof Error && faultOfReply(error.message) === 'full') return 'full';
    throw error;
  }
}
