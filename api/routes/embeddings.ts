import { answerEmbeddings } from '../../evaluation/answer-requests.ts';
import type { Evaluation } from '../../evaluation/evaluation.ts';
import { embeddingsRequest, embeddingsResponse, maxInputs } from '../../shared/contracts/embeddings.ts';
import type { Traffic } from '../../traffic/traffic.ts';
import { tenantOf } from '../access/tenant.ts';
import { check } from '../check.ts';
import { clientGone } from '../client-gone.ts';
import type { LargeResponses } from '../large-responses.ts';
import type { Admission } from '../middleware/admission.ts';
import { jsonBody } from '../middleware/json-body.ts';
import { problemResponses } from '../openapi.ts';
import type { Route } from '../route.ts';

export interface EmbeddingsDeps {
  evaluation: Evaluation;
  traffic: Traffic;
  admission: Admission;
  largeResponses: LargeResponses;
}

/** The route `POST /v1/embeddings`, compatible with OpenAI's client libraries. */
export function embeddingsRoutes({ evaluation, traffic, admission, largeResponses }: EmbeddingsDeps): Route[] {
  return [
    {
      method: 'post',
      path: '/v1/embeddings',
      operation: {
        operationId: 'createEmbeddings',
        summary: 'Compute embeddings of texts and images',
        tags: ['evaluation'],
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: embeddingsRequest,
              example: { input: ['a cat', { image: 'https://example.org/cat.jpg' }] },
            },
          },
        },
        responses: {
          '200': { description: 'The embeddings', content: { 'application/json': { schema: embeddingsResponse } } },
          ...problemResponses(400, 413, 415, 422, 502, 503, 504),
        },
      },
      handlers: [
        admission.enter,
        jsonBody,
        async (request, response) => {
          const asked = check(embeddingsRequest, request.body, 'body', maxInputs);
          const { spec } = await traffic.route(asked.model);
          const options = { longText: asked.longText, tenant: tenantOf(request), signal: clientGone(response) };
          const respond = await answerEmbeddings(spec, asked, (inputs) => evaluation.embed(spec, inputs, options));
          await largeResponses.list(request, response, respond);
        },
      ],
    },
  ];
}
