import { z } from 'zod';

export const modelInfo = z
  .object({
    model: z.string(),
    profiles: z.array(z.string()).meta({ description: 'Names that lead to it.' }),
    default: z.boolean().meta({ description: 'Used when a request names no model.' }),
    description: z.string().nullable(),
    revision: z.string(),
    source: z.string().meta({ description: 'Where its files come from.' }),
    logitScale: z.number().nullable(),
    dimensions: z.int().nullable(),
    contextLength: z.int().nullable(),
    state: z
      .enum(['absent', 'available', 'loading', 'loaded', 'failed'])
      .meta({ description: '`absent`: its files are not here. `available`: here, and loaded on first use.' }),
    verified: z
      .boolean()
      .nullable()
      .meta({ description: 'Whether it has reproduced golden values when it was loaded; `false` where it has none.' }),
    precision: z.string().nullable(),
    provider: z.string().nullable(),
    choice: z.string().nullable().meta({ description: 'Why this provider and this precision.' }),
    memoryBytes: z.int().nullable().meta({ description: 'Of one encoder, about.' }),
    encoders: z.object({ ready: z.int(), configured: z.int(), threads: z.int(), restarts: z.int() }).nullable(),
    microBatch: z.int().nullable().meta({ description: 'Pictures that one run of the vision tower takes at most.' }),
    speed: z.object({
      measuredImagesPerSecond: z
        .number()
        .nullable()
        .meta({ description: 'Vision towers of all encoders alone, as measured on this machine.' }),
      stated: z.object({ imagesPerSecond: z.number(), on: z.string() }).nullable(),
    }),
    pullCommand: z
      .string()
      .nullable()
      .meta({ description: 'The command that fetches its files from a hub; null for a model in a folder.' }),
    pull: z
      .object({
        state: z
          .enum(['running', 'interrupted'])
          .meta({ description: '`interrupted`: the same command continues with what has arrived.' }),
        receivedBytes: z.int(),
        bytes: z.int().nullable().meta({ description: 'Of all files of the pull, where they are known.' }),
      })
      .nullable()
      .meta({ description: 'A pull of its files on this machine that is not complete.' }),
    detail: z.string().nullable().meta({ description: 'Why it is absent or failed.' }),
  })
  .meta({ id: 'Model' });
export type ModelInfo = z.output<typeof modelInfo>;

/** A model in the shape of OpenAI's API. */
export const openAiModel = z
  .object({
    id: z.string(),
    object: z.literal('model'),
    created: z.int().meta({ description: 'Always 0: nobody notes when a model was made.' }),
    owned_by: z.string().meta({ description: 'Where its files come from.' }),
  })
  .meta({ id: 'OpenAIModel' });
export type OpenAiModel = z.output<typeof openAiModel>;

export const modelPath = z.object({ model: z.string().meta({ description: 'A profile or a model name.' }) });

export const modelList = z
  .object({
    object: z.literal('list'),
    data: z
      .array(openAiModel)
      .meta({ description: "The models whose files are here, in the shape that OpenAI's clients read." }),
    models: z.array(modelInfo),
    fault: z
      .string()
      .nullable()
      .meta({ description: 'Why a change of the registry files is not in use; the former ones are.' }),
  })
  .meta({ id: 'ModelList' });
