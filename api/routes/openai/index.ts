import type { Route } from '../../route.ts';
import { type EmbeddingsDeps, embeddingsRoutes } from '../embeddings.ts';
import type { ModelDeps } from '../models.ts';
import { type RequestBatchDeps, requestBatchRoutes } from './batches.ts';
import { fileRoutes } from './files.ts';
import { openAiModelRoutes } from './models.ts';
import { scoreRoutes } from './score.ts';

export type OpenAiDeps = EmbeddingsDeps & ModelDeps & RequestBatchDeps;

/** Routes at the root of the service, for clients of OpenAI and vLLM. */
export function openAiRoutes(deps: OpenAiDeps): Route[] {
  return [
    ...embeddingsRoutes(deps).map(atRoot),
    ...openAiModelRoutes(deps),
    ...scoreRoutes(deps),
    ...fileRoutes(deps),
    ...requestBatchRoutes(deps),
  ];
}

const atRoot = (route: Route): Route => ({
  ...route,
  isAtRoot: true,
  operation: { ...route.operation, operationId: `${route.operation.operationId}AtRoot`, tags: ['openai'] },
});
