import { Cluster, type Redis as Server } from 'ioredis';

/** A connection to one server (by address or sentinels) or to a cluster. */
export type Redis = Server | Cluster;

/** Returns the servers that hold data: all known masters of a cluster, or the single server. */
export const mastersOf = (redis: Redis): Server[] => (redis instanceof Cluster ? redis.nodes('master') : [redis]);

/**
 * Asks all masters. Those that do not answer are left out, because a cluster still works without one of them.
 * @throws the error of the first master that failed, if no master answers.
 */
export async function askMasters<Answer>(redis: Redis, ask: (master: Server) => Promise<Answer>): Promise<Answer[]> {
  const asked = await Promise.allSettled(mastersOf(redis).map(ask));
  const answers = asked.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  const fault = asked.find((answer) => answer.status === 'rejected');
  if (answers.length === 0) throw fault?.reason ?? new Error('Connection is closed.');
  return answers;
}
