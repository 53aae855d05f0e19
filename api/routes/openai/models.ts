import { modelPath, openAiModel, openAiModelList } from '../../../shared/contracts/models.ts';
import { problemResponses } from '../../openapi.ts';
import type { Route } from '../../route.ts';
import { type ModelDeps, readOpenAiModel, toInfo, toOpenAiList } from '../models.ts';

/** Routes of `/v1/models` in OpenAI's format. */
export function openAiModelRoutes({ registry, encoders }: ModelDeps): Route[] {
  return [
    {
      method: 'get',
      path: '/v1/models',
      isAtRoot: true,
      operation: {
        operationId: 'listOpenAiModels',
        summary: "List the available models in the format of OpenAI's API",
        tags: ['openai'],
        responses: {
          '200': { description: 'The models', content: { 'application/json': { schema: openAiModelList } } },
          ...problemResponses(),
        },
      },
      handlers: [
        async (_request, response) => {
          const models = (await registry.list()).map((model) => toInfo(model, encoders));
          response.json(toOpenAiList(models));
        },
      ],
    },
    {
      method: 'get',
      path: '/v1/models/{model}',
      isAtRoot: true,
      operation: {
        operationId: 'getOpenAiModel',
        summary: "Read one model in the format of OpenAI's API",
        tags: ['openai'],
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
