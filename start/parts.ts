/** The parts of the service that run as separate processes, with the Redis of REDIS_URL. */
export const parts = {
  api: () => import('../api/main.ts'),
  worker: () => import('../worker/main.ts'),
} as const satisfies Record<string, () => Promise<unknown>>;
