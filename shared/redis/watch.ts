import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../log.ts';
import { type Redis, whenConnected } from '../redis.ts';
import { isWhole } from './cluster.ts';
import { faultOfReply, type RedisFault, redisFaults, refusals } from './fault.ts';
import { infoField } from './info.ts';
import { mastersOf } from './masters.ts';

/** Checks regularly that Redis answers and accepts writes. */
export interface RedisWatch {
  /** Returns the fault that the last check found, a few seconds ago at most. */
  fault(): RedisFault | undefined;
  /** Describes the fault, with the error message from Redis if any. */
  describe(): string | undefined;
  /** Checks Redis now, for at most {@link answerMs}. */
  look(): Promise<void>;
  close(): void;
}

const everyMs = 5_000;
/** The time in ms after which a Redis that does not answer counts as silent. */
const answerMs = 2_000;
/** The lifetime in s of the key that each check writes. */
const probeSeconds = 60;

/**
 * Tries to write a key. An error is returned as a value, because an error reply makes the connection search for another
 * master. On a cluster, only the server with the queues is checked.
 */
const tryWrite = `
local reply = redis.pcall('SET', KEYS[1], '1', 'EX', ARGV[1])
if reply.err then return reply.err end
return 'OK'
`;

/**
 * Checks Redis every five seconds. Logs the beginning and end of each fault.
 * @param key the key that the checks write.
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

  /**
   * @returns the reply to `question`, or undefined if it is late. Until it arrives, further calls return undefined and
   * send nothing.
   */
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

  /**
   * Waits for a connection that was lost while Redis refuses writes. Refused commands make ioredis reconnect, to search
   * for another master.
   */
  async function isReconnected(): Promise<boolean> {
    return fault !== undefined && refusals.has(fault) && (await whenConnected(redis, answerMs));
  }

  async function find(): Promise<[RedisFault, said: string] | undefined> {
    // Redis completes the handshake only after loading its data.
    if (redis.status === 'connect') {
      const [server] = mastersOf(redis);
      const answer = await ask(async () => await server?.info('persistence'));
      if (redis.status === 'connect') {
        if (answer === undefined) return ['silent', ''];
        if (infoField(answer, 'loading') === '1') return ['loading', ''];
      }
    }
    if (redis.status !== 'ready' && !(await isReconnected())) return [connectionFault ?? 'unreachable', ''];
    const answer = await ask(() => redis.eval(tryWrite, 1, key, probeSeconds));
    if (answer === 'OK') return isWhole(redis) ? undefined : ['cluster', 'a server of the cluster cannot be reached'];
    if (redis.status !== 'ready') {
      return fault !== undefined && (await isReconnected()) ? [fault, detail] : [connectionFault ?? 'unreachable', ''];
    }
    if (answer === undefined) return ['silent', ''];
    return [faultOfReply(answer) ?? 'refused', answer];
  }

  function settle(found: RedisFault | undefined, said: string): void {
    detail = said;
    if (found === fault) return;
    const before = fault;
    fault = found;
    // The connection itself logs these faults.
    const isLogged = (one: RedisFault | undefined) => one === 'unreachable' || one === 'password' || one === 'cluster';
    if (found === undefined) {
      if (!isLogged(before)) log.info('Redis is available again');
    } else if (!isLogged(found)) log.warn({ fault: found, said }, `${redisFaults[found]}; batches are paused`);
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
    describe: () =>
      fault === undefined ? undefined : `${redisFaults[fault]}${detail === '' ? '' : ` (${detail.slice(0, 200)})`}`,
    look,
    close() {
      clearInterval(timer);
      redis.off('error', onError);
      redis.off('ready', onReady);
    },
  };
}
