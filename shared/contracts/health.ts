import { z } from 'zod';
import { type RedisFault, redisFaults } from '../redis/fault.ts';

export const health = z
  .object({
    status: z.enum(['ok', 'degraded', 'unavailable']).meta({
      description:
        '`degraded`: single pairs are scored, but batches are not, or may get lost because processes have different settings. `unavailable`: nothing can be scored.',
    }),
    version: z.string(),
    uptimeSeconds: z.number(),
    redis: z.object({
      status: z.enum(['ok', 'refusing', 'down']).meta({
        description: '`refusing`: Redis answers but refuses writes. `down`: Redis does not answer.',
      }),
      fault: z
        .enum(Object.keys(redisFaults) as [RedisFault, ...RedisFault[]])
        .nullable()
        .meta({ description: 'The fault of Redis; `detail` describes it.' }),
      server: z.enum(['Redis', 'Valkey']).nullable(),
      version: z.string().nullable().meta({ description: 'The version of the server program, Redis or Valkey.' }),
      durability: z.enum(['always', 'everysec', 'none', 'unknown']).nullable().meta({
        description:
          'The data that survives a crash of Redis: `always`: all acknowledged writes, `everysec`: all but those of the last 2 s, `none`: nothing.',
      }),
      detail: z.string().nullable(),
    }),
    models: z.array(
      z.object({
        model: z.string(),
        revision: z.string(),
        state: z.enum(['loading', 'ready', 'failed']),
        encoders: z.object({ ready: z.int(), configured: z.int(), restarts: z.int() }),
        detail: z.string().nullable(),
      }),
    ),
    settings: z.array(z.string()).meta({
      description:
        'One sentence for each setting that must be equal in all processes of this service but differs. For operators. Normally empty.',
    }),
    workers: z
      .int()
      .nullable()
      .meta({ description: 'The number of worker connections to all queues together; null without Redis.' }),
    queues: z
      .array(z.object({ name: z.string(), waiting: z.int(), active: z.int(), failed: z.int(), workers: z.int() }))
      .nullable()
      .meta({ description: 'The jobs of all tenants. Only for operators; null for tenants and without Redis.' }),
  })
  .meta({ id: 'Health' });
export type Health = z.output<typeof health>;
