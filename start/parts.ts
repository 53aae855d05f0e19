/** The separate processes of the service. All use the Redis of REDIS_URL. */
export const parts = {
  api: () => import('../api/main.ts'),
  worker: () => import('../worker/main.ts'),
} as const satisfies Record<string, () => Promise<unknown>>;
