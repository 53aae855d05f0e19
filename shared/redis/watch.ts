import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../log.ts';
import type { Redis } from '../redis.ts';
import { isWhole } from './cluster.ts';
import { faultOfReply, type RedisFault, redisFaults } from './fault.ts';
import { infoField } from './info.ts';
import { mastersOf } from './masters.ts';

/** Checks regularly whether Redis answers this process and accepts its writes. */
export interface RedisWatch {
  /** Returns the fault of Redis that the last check found, at most a few seconds ago; undefined without a fault. */
  fault(): RedisFault | undefined;
  /**
   * Returns a description of the fault of Redis, with the error message from Redis if there is one; undefined without a
   * fault.
   */
  describe(): string | undefined;
  /** Checks Redis now. Waits for the result for at most {@link answerMs}. */
  look(): Promise<void>;
  close(): void;
}

/** The interval in ms between two checks. */
const everyMs = 5_000;
/** The time in ms after which a Redis that does not answer counts as silent. */
const answerMs = 2_000;
/** The lifetime in s of the key that each check writes. */
const probeSeconds = 60;

/**
 * A script that tries to write a key. It returns an error of the write as its value, because an error reply would make
 * the connection search for another master. On a cluster, the script checks only the server that has the queues; the
 * connection itself reports faults of the other servers.
 */
const tryWrite = `
local reply = redis.pcall('SET', KEYS[1], '1', 'EX', ARGV[1])
if reply.err then return reply.err end
return 'OK'
`;

/**
 * Checks Redis every five seconds. The beginning and the end of each fault are logged once.
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
   * @returns the reply to `question`, or undefined if no reply arrives in time. Until a late reply has arrived, further
   * calls return undefined and send nothing.
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

  async function find(): Promise<[RedisFault, said: string] | undefined> {
    // Redis completes the handshake of a connection only after it has loaded its data. Before that, it is asked whether
    // it is loading.
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
    if (answer === 'OK') return isWhole(redis) ? undefined : ['cluster', 'a server of the cluster cannot be reached'];
    if (redis.status !== 'ready') return [connectionFault ?? 'unreachable', ''];
    if (answer === undefined) return ['silent', ''];
    return [faultOfReply(answer) ?? 'refused', answer];
  }

  function settle(found: RedisFault | undefined, said: string): void {
    detail = said;
    if (found === fault) return;
    const before = fault;
    fault = found;
    // Returns true for the faults whose beginning and end the connection itself logs.
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
