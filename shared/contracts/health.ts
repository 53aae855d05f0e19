import { z } from 'zod';
import { type RedisFault, redisFaults } from '../redis/fault.ts';

export const health = z
  .object({
    status: z.enum(['ok', 'degraded', 'unavailable']).meta({
      description:
        '`degraded`: single pairs are answered, batches are not, or processes with different settings may lose them. `unavailable`: nothing is scored.',
    }),
    version: z.string(),
    uptimeSeconds: z.number(),
    redis: z.object({
      status: z.enum(['ok', 'refusing', 'down']).meta({
        description: '`refusing`: it answers but refuses writes. `down`: it does not answer.',
      }),
      fault: z
        .enum(Object.keys(redisFaults) as [RedisFault, ...RedisFault[]])
        .nullable()
        .meta({ description: 'The fault of Redis; `detail` describes it.' }),
      server: z.enum(['Redis', 'Valkey']).nullable(),
      version: z.string().nullable().meta({ description: 'The version of the server program, Redis or Valkey.' }),
      durability: z.enum(['always', 'everysec', 'none', 'unknown']).nullable().meta({
        description:
          'What survives a crash of Redis: `always` all acknowledged writes, `everysec` all but the last 2 s, `none` nothing.',
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
        'Settings that differ between processes of this service although they must be equal: one sentence each, for operators. Normally empty.',
    }),
    workers: z.int().nullable().meta({ description: 'Worker connections over all queues; null without Redis.' }),
    queues: z
      .array(z.object({ name: z.string(), waiting: z.int(), active: z.int(), failed: z.int(), workers: z.int() }))
      .nullable()
      .meta({ description: 'The work of all tenants, for operators; null for tenants, and without Redis.' }),
  })
  .meta({ id: 'Health' });
export type Health = z.output<typeof health>;
