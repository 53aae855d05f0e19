import { z } from 'zod';

export const modelInfo = z
  .object({
    model: z.string(),
    profiles: z.array(z.string()).meta({ description: 'Names that lead to it.' }),
    default: z.boolean().meta({ description: 'Used when a request names no model.' }),
    description: z.string().nullable(),
    revision: z.string(),
    source: z.string().meta({ description: 'Where its files come from.' }),
    logitScale: z.number(),
    dimensions: z.int().nullable(),
    contextLength: z.int().nullable(),
    state: z
      .enum(['absent', 'available', 'loading', 'loaded', 'failed'])
      .meta({ description: '`absent`: its files are not here. `available`: here, and loaded on first use.' }),
    precision: z.string().nullable(),
    provider: z.string().nullable(),
    evaluators: z.object({ ready: z.int(), configured: z.int(), restarts: z.int() }).nullable(),
    detail: z.string().nullable().meta({ description: 'Why it is absent or failed.' }),
  })
  .meta({ id: 'Model' });
export type ModelInfo = z.output<typeof modelInfo>;

export const modelList = z.object({ models: z.array(modelInfo) }).meta({ id: 'ModelList' });
