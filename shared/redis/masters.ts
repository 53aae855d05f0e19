import { Cluster, type Redis as Server } from 'ioredis';

/** A Redis: one server, found by its address or by sentinels, or a cluster of them. */
export type Redis = Server | Cluster;

/** The servers that hold data: of a cluster every master that is known to be there. */
export const mastersOf = (redis: Redis): Server[] => (redis instanceof Cluster ? redis.nodes('master') : [redis]);

/**
 * The answers of the masters. Those that do not answer are passed over: a cluster with one of them away goes on.
 * @throws what the first of them threw, when none answers.
 */
export async function askMasters<Answer>(redis: Redis, ask: (master: Server) => Promise<Answer>): Promise<Answer[]> {
  const asked = await Promise.allSettled(mastersOf(redis).map(ask));
  const answers = asked.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  const fault = asked.find((answer) => answer.status === 'rejected');
  if (answers.length === 0) throw fault?.reason ?? new Error('Connection is closed.');
  return answers;
}
