import { modelPath, openAiModel, openAiModelList } from '../../../shared/contracts/models.ts';
import { check } from '../../check.ts';
import { problemResponses } from '../../openapi.ts';
import type { Route } from '../../route.ts';
import { type ModelDeps, toInfo, toOpenAi } from '../models.ts';

/** Routes of `/v1/models` in the shape of OpenAI's API. `/evaluator/v1/models` has more about each model. */
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
          const data = models.filter(({ state }) => state !== 'absent' && state !== 'failed').map(toOpenAi);
          response.json({ object: 'list', data });
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
          const { spec } = await registry.resolve(check(modelPath, request.params, 'path').model);
          const listed = (await registry.list()).find(({ model }) => model === spec.model);
          response.json(toOpenAi({ model: spec.model, source: listed?.source ?? '' }));
        },
      ],
    },
  ];
}
