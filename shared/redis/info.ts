/** A field of what a server answers to INFO. */
export const infoField = (info: string, name: string): string | undefined =>
  new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1];

/** The program that answers, as it names itself: `Redis`, or a fork of it with a version of its own. */
export const serverOf = (info: string): 'Redis' | 'Valkey' =>
  infoField(info, 'valkey_version') === undefined ? 'Redis' : 'Valkey';

/** Its own version: Valkey states Redis 7.2.4 as well, whichever it is. */
export const versionOf = (info: string): string | null =>
  infoField(info, 'valkey_version') ?? infoField(info, 'redis_version') ?? null;

export const infoNumber = (info: string, name: string): number => Number(infoField(info, name) ?? 0);

/** Memory of a server, in bytes. */
export interface Memory {
  used: number;
  /** Its own limit, or the memory of its machine where it has none; 0 when neither is told. */
  limit: number;
}

export const memoryOf = (info: string): Memory => ({
  used: infoNumber(info, 'used_memory'),
  limit: infoNumber(info, 'maxmemory') || infoNumber(info, 'total_system_memory'),
});

/** The memory of the server that has the largest share of its own in use. */
export function fullestOf(infos: readonly string[]): Memory {
  const memories = infos.map(memoryOf);
  const share = ({ used, limit }: Memory) => (limit === 0 ? 0 : used / limit);
  return memories.reduce((fullest, one) => (share(one) >= share(fullest) ? one : fullest), { used: 0, limit: 0 });
}
