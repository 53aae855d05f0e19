import { answerScore } from '../../../evaluation/answer-requests.ts';
import { maxInputs } from '../../../shared/contracts/embeddings.ts';
import { scoreRequest, scoreResponse } from '../../../shared/contracts/score.ts';
import { tenantOf } from '../../access/tenant.ts';
import { check } from '../../check.ts';
import { clientGone } from '../../client-gone.ts';
import { jsonBody } from '../../middleware/json-body.ts';
import { problemResponses } from '../../openapi.ts';
import type { Route } from '../../route.ts';
import type { EmbeddingsDeps } from '../embeddings.ts';

/** The route `POST /v1/score`, compatible with vLLM: returns the cosine of each pair of texts or images. */
export function scoreRoutes({ evaluation, traffic, admission, largeResponses }: EmbeddingsDeps): Route[] {
  return [
    {
      method: 'post',
      path: '/v1/score',
      isAtRoot: true,
      operation: {
        operationId: 'score',
        summary: 'Compute the cosines of pairs, in the format of vLLM',
        description:
          'A single input on the first side is paired with each input of the second side; otherwise both sides must have the same length.',
        tags: ['openai'],
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: scoreRequest,
              example: {
                model: 'compact',
                queries: 'a cat',
                documents: {
                  content: [{ type: 'image_url', image_url: { url: 'https://example.org/cat.jpg' } }],
                },
              },
            },
          },
        },
        responses: {
          '200': { description: 'The cosines', content: { 'application/json': { schema: scoreResponse } } },
          ...problemResponses(400, 413, 415, 422, 502, 503, 504),
        },
      },
      handlers: [
        admission.enter,
        jsonBody,
        async (request, response) => {
          const asked = check(scoreRequest, request.body, 'body', maxInputs);
          const { spec } = await traffic.route(asked.model ?? undefined);
          const options = { longText: asked.longText, tenant: tenantOf(request), signal: clientGone(response) };
          const scored = await answerScore(spec, asked, (inputs) => evaluation.embed(spec, inputs, options));
          await largeResponses.list(request, response, () => scored);
        },
      ],
    },
  ];
}
