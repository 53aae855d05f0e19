import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../log.ts';
import type { Redis } from '../redis.ts';
import { isWhole } from './cluster.ts';
import { faultOfReply, type RedisFault, redisFaults } from './fault.ts';
import { infoField } from './info.ts';
import { mastersOf } from './masters.ts';

/** Whether Redis serves this process: answers, and takes writes. */
export interface RedisWatch {
  /** What is wrong now, as of the last look a few seconds ago; nothing when all is well. */
  fault(): RedisFault | undefined;
  /** The fault in a sentence, with the server's own words where it has said any. */
  sentence(): string | undefined;
  /** Looks now, at most as long as a look takes: {@link answerMs}. */
  look(): Promise<void>;
  close(): void;
}

/** Time between two looks, in milliseconds. */
const everyMs = 5_000;
/** Redis that has not answered for so long is silent, in milliseconds. */
const answerMs = 2_000;
/** What looks ask is gone by itself, in seconds. */
const probeSeconds = 60;

/**
 * Tries a write, and returns the refusal as a value: as an error it would have the connection look for another master.
 * The attempt is made on the server that holds the queues; of a cluster the others are watched by their connections.
 */
const tryWrite = `
local reply = redis.pcall('SET', KEYS[1], '1', 'EX', ARGV[1])
if reply.err then return reply.err end
return 'OK'
`;

/**
 * Looks at Redis every five seconds, and says in the log when something goes wrong and when it is over, once each.
 * @param key that may be written.
 */
export function watchRedis(redis: Redis, key: string, log: Logger): RedisWatch {
  let fault: RedisFault | undefined;
  let detail = '';
  let looking: Promise<void> | undefined;
  let unanswered: Promise<unknown> | undefined;
  let connectionFault: RedisFault | undefined;
  const onError = ({ message }: Error) => {
    connectionFault = faultOfReply(message);
  };
  const onReady = () => {
    connectionFault = undefined;
  };
  redis.on('error', onError);
  redis.on('ready', onReady);

  /** @returns the reply, or nothing when it has not come in time; then nothing is asked until it has. */
  async function ask(question: () => Promise<unknown>): Promise<string | undefined> {
    if (unanswered !== undefined) return undefined;
    const asked = question().then(String, (error: Error) => error.message);
    unanswered = asked;
    void asked.then(() => {
      unanswered = undefined;
    });
    const patience = new AbortController();
    const late = delay(answerMs, undefined, { signal: patience.signal, ref: false }).catch(() => undefined);
    const answer = await Promise.race([asked, late]);
    patience.abort();
    return answer;
  }

  async function find(): Promise<[RedisFault, said: string] | undefined> {
    // The handshake is over when Redis has loaded its data.
    if (redis.status === 'connect') {
      const [server] = mastersOf(redis);
      const answer = await ask(async () => await server?.info('persistence'));
      if (redis.status === 'connect') {
        if (answer === undefined) return ['silent', ''];
        if (infoField(answer, 'loading') === '1') return ['loading', ''];
      }
    }
    if (redis.status !== 'ready') return [connectionFault ?? 'unreachable', ''];
    const answer = await ask(() => redis.eval(tryWrite, 1, key, probeSeconds));
    if (answer === 'OK') return isWhole(redis) ? undefined : ['cluster', 'one of its servers cannot be reached'];
    if (redis.status !== 'ready') return [connectionFault ?? 'unreachable', ''];
    if (answer === undefined) return ['silent', ''];
    return [faultOfReply(answer) ?? 'refused', answer];
  }

  function settle(found: RedisFault | undefined, said: string): void {
    detail = said;
    if (found === fault) return;
    const before = fault;
    fault = found;
    // Of a connection that broke, and of one that is back, the connection itself tells.
    const isTold = (one: RedisFault | undefined) => one === 'unreachable' || one === 'password' || one === 'cluster';
    if (found === undefined) {
      if (!isTold(before)) log.info('Redis serves again');
    } else if (!isTold(found)) log.warn({ fault: found, said }, `${redisFaults[found]}; batches wait`);
  }

  async function look(): Promise<void> {
    looking ??= find()
      .then((found) => settle(found?.[0], found?.[1] ?? ''))
      .finally(() => {
        looking = undefined;
      });
    await looking;
  }

  const timer = setInterval(() => void look(), everyMs).unref();
  return {
    fault: () => fault,
    sentence: () =>
      fault === undefined ? undefined : `${redisFaults[fault]}${detail === '' ? '' : ` (${detail.slice(0, 200)})`}`,
    look,
    close() {
      clearInterval(timer);
      redis.off('error', onError);
      redis.off('ready', onReady);
    },
  };
}
