import type { Evaluators } from '../../models/pool/evaluators.ts';
import type { ListedModel, Registry } from '../../models/registry/registry.ts';
import { type ModelInfo, modelList } from '../../shared/contracts/models.ts';
import { problemResponses } from '../openapi.ts';
import type { Route } from '../route.ts';

export interface ModelDeps {
  registry: Registry;
  evaluators: Evaluators;
}

/** `GET /v1/models`: what there is, what is loaded here, and why something is not. */
export function modelRoutes({ registry, evaluators }: ModelDeps): Route[] {
  return [
    {
      method: 'get',
      path: '/v1/models',
      operation: {
        operationId: 'listModels',
        summary: 'Models and their state in this process',
        tags: ['operations'],
        responses: {
          '200': { description: 'The models', content: { 'application/json': { schema: modelList } } },
          ...problemResponses(),
        },
      },
      handlers: [
        async (_request, response) => {
          const listed = await registry.list();
          response.json({ models: listed.map((model) => toInfo(model, evaluators)), fault: registry.fault });
        },
      ],
    },
  ];
}

function toInfo(listed: ListedModel, evaluators: Evaluators): ModelInfo {
  const { model, profiles, isDefault, description, revision, source, logitScale, speed, spec } = listed;
  const pool = evaluators.states().find((state) => state.model === model && state.revision === revision);
  const known = spec instanceof Error ? undefined : spec;
  const idle = known === undefined ? 'absent' : 'available';
  return {
    model,
    profiles,
    default: isDefault,
    description,
    revision,
    source,
    logitScale,
    dimensions: known?.dimensions ?? null,
    contextLength: known?.contextLength ?? null,
    state: pool === undefined ? idle : pool.state === 'ready' ? 'loaded' : pool.state,
    verified: pool?.verified ?? null,
    precision: known?.precision ?? null,
    provider: known?.provider ?? null,
    choice: known?.choice ?? null,
    memoryBytes: known?.memoryBytes ?? null,
    evaluators:
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
    detail: spec instanceof Error ? spec.message : (pool?.detail ?? null),
  };
}
