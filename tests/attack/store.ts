import { Redis } from 'ioredis';

export interface Stored {
  keys: Set<string>;
  /** `used_memory`, less the buffers of clients. */
  megabytes: number;
}

/** Reads what a Redis holds. */
export function readStore(socket: string): { read(): Promise<Stored>; close(): void } {
  const redis = new Redis(socket, { maxRetriesPerRequest: null });
  redis.on('error', () => {});
  return {
    async read() {
      const info = await redis.info('memory');
      const bytesOf = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
      const keys = new Set<string>();
      for await (const some of redis.scanStream({ count: 1_000 })) for (const key of some as string[]) keys.add(key);
      const buffers = bytesOf('mem_clients_normal') + bytesOf('mem_aof_buffer');
      return { keys, megabytes: (bytesOf('used_memory') - buffers) / 1e6 };
    },
    close: () => redis.disconnect(),
  };
}
