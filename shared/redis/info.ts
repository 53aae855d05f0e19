export const infoField = (info: string, name: string): string | undefined =>
  new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1];

export const serverOf = (info: string): 'Redis' | 'Valkey' =>
  infoField(info, 'valkey_version') === undefined ? 'Redis' : 'Valkey';

/** Returns the server's version. On Valkey, `redis_version` is always 7.2.4. */
export const versionOf = (info: string): string | null =>
  infoField(info, 'valkey_version') ?? infoField(info, 'redis_version') ?? null;

export const infoNumber = (info: string, name: string): number => Number(infoField(info, name) ?? 0);

/** The memory of a server in bytes. */
export interface Memory {
  used: number;
  /** The memory limit, or else the memory of the machine, or 0 if neither is reported. */
  limit: number;
}

export const memoryOf = (info: string): Memory => ({
  used: infoNumber(info, 'used_memory'),
  limit: infoNumber(info, 'maxmemory') || infoNumber(info, 'total_system_memory'),
});

/** Returns the memory of the server that uses the largest share of its limit. */
export function fullestOf(infos: readonly string[]): Memory {
  const memories = infos.map(memoryOf);
  const share = ({ used, limit }: Memory) => (limit === 0 ? 0 : used / limit);
  return memories.reduce((fullest, one) => (share(one) >= share(fullest) ? one : fullest), { used: 0, limit: 0 });
}
