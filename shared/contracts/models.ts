import { z } from 'zod';

export const modelInfo = z
  .object({
    model: z.string(),
    profiles: z.array(z.string()).meta({ description: 'Profiles that refer to the model.' }),
    default: z.boolean().meta({ description: 'True if this model answers requests that name no model.' }),
    description: z.string().nullable(),
    revision: z.string(),
    source: z.string().meta({ description: 'The source of its files.' }),
    family: z.string().nullable().meta({ description: 'The model family, which determines how its files are read.' }),
    probabilities: z.enum(['softmax', 'sigmoid']).nullable().meta({
      description:
        '`softmax`: the probabilities of all candidates of a request add up to 1. `sigmoid`: each pair has a probability of its own.',
    }),
    logitScale: z.number().nullable(),
    logitBias: z.number().nullable().meta({ description: 'The bias of the sigmoid.' }),
    dimensions: z.int().nullable(),
    contextLength: z.int().nullable(),
    state: z
      .enum(['absent', 'available', 'loading', 'loaded', 'failed'])
      .meta({ description: '`absent`: its files are not available. `available`: it is loaded on first use.' }),
    verified: z.boolean().nullable().meta({
      description:
        'True if the model reproduced the values of its reference implementation when it was loaded; false if it has no such values.',
    }),
    precision: z.string().nullable(),
    provider: z.string().nullable(),
    choice: z.string().nullable().meta({ description: 'The reason for this provider and precision.' }),
    memoryBytes: z.int().nullable().meta({ description: 'Approximate memory of one encoder.' }),
    encoders: z.object({ ready: z.int(), configured: z.int(), threads: z.int(), restarts: z.int() }).nullable(),
    microBatch: z
      .int()
      .nullable()
      .meta({ description: 'The maximum number of images in one run of the vision model.' }),
    speed: z.object({
      measuredImagesPerSecond: z
        .number()
        .nullable()
        .meta({ description: 'Throughput of the vision models of all encoders, measured on this machine.' }),
      stated: z.object({ imagesPerSecond: z.number(), on: z.string() }).nullable(),
    }),
    pullCommand: z
      .string()
      .nullable()
      .meta({ description: 'The command that pulls its files from a hub; null for a model in a folder.' }),
    pull: z
      .object({
        state: z
          .enum(['running', 'interrupted'])
          .meta({ description: '`interrupted`: the same command resumes the pull.' }),
        receivedBytes: z.int(),
        bytes: z.int().nullable().meta({ description: 'The size of all files of the pull, if known.' }),
      })
      .nullable()
      .meta({ description: 'An incomplete pull of its files on this machine.' }),
    detail: z.string().nullable().meta({ description: 'The reason why the model is absent or could not be loaded.' }),
  })
  .meta({ id: 'Model' });
export type ModelInfo = z.output<typeof modelInfo>;

export const openAiModel = z
  .object({
    id: z.string(),
    object: z.literal('model'),
    created: z.int().meta({ description: 'Always 0: the creation time of a model is unknown.' }),
    owned_by: z.string().meta({ description: 'The source of its files.' }),
  })
  .meta({ id: 'OpenAIModel' });
export type OpenAiModel = z.output<typeof openAiModel>;

export const openAiModelList = z
  .object({ object: z.literal('list'), data: z.array(openAiModel) })
  .meta({ id: 'OpenAIModelList' });

export const modelPath = z.object({ model: z.string().meta({ description: 'A profile or a model name.' }) });

export const modelList = z
  .object({
    object: z.literal('list'),
    data: z.array(openAiModel).meta({ description: "The available models, in the format of OpenAI's API." }),
    models: z.array(modelInfo),
    fault: z
      .string()
      .nullable()
      .meta({ description: 'The error in the changed registry files. Their previous content remains in use.' }),
  })
  .meta({ id: 'ModelList' });
