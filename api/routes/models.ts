import type { Evaluators } from '../../models/evaluators.ts';
import type { ListedModel, Registry } from '../../models/registry.ts';
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
          response.json({ models: listed.map((model) => toInfo(model, evaluators)) });
        },
      ],
    },
  ];
}

function toInfo(listed: ListedModel, evaluators: Evaluators): ModelInfo {
  const { model, profiles, isDefault, description, revision, source, logitScale, spec } = listed;
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
    precision: known?.precision ?? null,
    provider: known?.provider ?? null,
    evaluators: pool === undefined ? null : { ready: pool.ready, configured: pool.configured, restarts: pool.restarts },
    detail: spec instanceof Error ? spec.message : (pool?.detail ?? null),
  };
}
