import type { Encoders } from '../../models/pool/encoders.ts';
import type { ListedModel, Registry } from '../../models/registry/registry.ts';
import { type ModelInfo, modelList, modelPath, type OpenAiModel, openAiModel } from '../../shared/contracts/models.ts';
import { check } from '../check.ts';
import { problemResponses } from '../openapi.ts';
import type { Route } from '../route.ts';

export interface ModelDeps {
  registry: Registry;
  encoders: Encoders;
}

/** Routes of `/v1/models`: each model with its state in this process. */
export function modelRoutes({ registry, encoders }: ModelDeps): Route[] {
  return [
    {
      method: 'get',
      path: '/v1/models',
      operation: {
        operationId: 'listModels',
        summary: 'List models with their state in this process',
        tags: ['operations'],
        responses: {
          '200': { description: 'The models', content: { 'application/json': { schema: modelList } } },
          ...problemResponses(),
        },
      },
      handlers: [
        async (_request, response) => {
          const listed = await registry.list();
          const models = listed.map((model) => toInfo(model, encoders));
          response.json({ ...toOpenAiList(models), models, fault: registry.fault });
        },
      ],
    },
    {
      method: 'get',
      path: '/v1/models/{model}',
      operation: {
        operationId: 'getModel',
        summary: "Read one model, in the format of OpenAI's API",
        tags: ['operations'],
        requestParams: { path: modelPath },
        responses: {
          '200': { description: 'The model', content: { 'application/json': { schema: openAiModel } } },
          ...problemResponses(400, 503),
        },
      },
      handlers: [
        async (request, response) => {
          response.json(await readOpenAiModel(registry, request.params));
        },
      ],
    },
  ];
}

/** Returns the models that can answer requests, in OpenAI's format. */
export const toOpenAiList = (models: readonly ModelInfo[]) => ({
  object: 'list',
  data: models.filter(({ state }) => state !== 'absent' && state !== 'failed').map(toOpenAi),
});

/**
 * Returns a model or profile in OpenAI's format.
 * @throws {ServiceError} `request.invalid`, and the errors for an unknown model.
 */
export async function readOpenAiModel(registry: Registry, params: unknown): Promise<OpenAiModel> {
  const { spec } = await registry.resolve(check(modelPath, params, 'path').model);
  const listed = (await registry.list()).find(({ model }) => model === spec.model);
  return toOpenAi({ model: spec.model, source: listed?.source ?? '' });
}

const toOpenAi = ({ model, source }: Pick<ModelInfo, 'model' | 'source'>): OpenAiModel => ({
  id: model,
  object: 'model',
  created: 0,
  owned_by: source,
});

export function toInfo(listed: ListedModel, encoders: Encoders): ModelInfo {
  const { model, profiles, isDefault, description, revision, source, logitScale, speed, spec, pullCommand, pull } =
    listed;
  const pool = encoders.states().find((state) => state.model === model && state.revision === revision);
  const known = spec instanceof Error ? undefined : spec;
  const idle = known === undefined ? 'absent' : 'available';
  return {
    model,
    profiles,
    default: isDefault,
    description,
    revision,
    source,
    family: known?.family ?? null,
    probabilities: known?.probability.kind ?? null,
    logitScale,
    logitBias: known?.probability.kind === 'sigmoid' ? known.probability.bias : null,
    dimensions: known?.dimensions ?? null,
    contextLength: known?.text.maxTokens ?? null,
    state: pool === undefined ? idle : pool.state === 'ready' ? 'loaded' : pool.state,
    verified: pool?.verified ?? null,
    precision: known?.precision ?? null,
    provider: known?.provider ?? null,
    choice: known?.choice ?? null,
    memoryBytes: known?.memoryBytes ?? null,
    encoders:
      pool === undefined
        ? null
        : { ready: pool.ready, configured: pool.configured, threads: pool.threads, restarts: pool.restarts },
    microBatch: pool?.microBatch ?? null,
    speed: {
      measuredImagesPerSecond:
        pool?.imagesPerSecond === undefined || pool.imagesPerSecond === null
          ? null
          : pool.imagesPerSecond * pool.configured,
      stated: speed ?? null,
    },
    pullCommand,
    pull,
    detail: spec instanceof Error ? spec.message : (pool?.detail ?? null),
  };
}
