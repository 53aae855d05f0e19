import type { Embeddable } from '../../evaluation/embed-inputs.ts';
import type { Evaluation } from '../../evaluation/evaluation.ts';
import {
  type EmbeddingInput,
  type EmbeddingsResponse,
  embeddingsRequest,
  embeddingsResponse,
} from '../../shared/contracts/embeddings.ts';
import { ServiceError } from '../../shared/errors.ts';
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

/** The route `POST /v1/embeddings`, compatible with OpenAI's client libraries: they need only another base URL. */
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
          const { input, model, encoding_format, longText, dimensions } = check(
            embeddingsRequest,
            request.body,
            'body',
          );
          const inputs = (Array.isArray(input) ? input : [input]).map(toEmbeddable);
          const { spec } = await traffic.route(model);
          if (dimensions !== undefined && dimensions !== spec.dimensions) {
            const message = `${spec.model} has ${spec.dimensions} dimensions; embeddings cannot be shortened`;
            const faults = [{ path: 'dimensions', message }];
            throw new ServiceError('request.invalid', `dimensions: ${message}`, { faults });
          }
          const options = { longText, tenant: tenantOf(request), signal: clientGone(response) };
          const embedded = await evaluation.embed(spec, inputs, options);
          const tokens = embedded.reduce((sum, one) => sum + one.tokens, 0);
          await largeResponses.list(
            request,
            response,
            (): EmbeddingsResponse => ({
              object: 'list',
              data: embedded.map(({ embedding }, index) => ({
                object: 'embedding',
                index,
                embedding: encoding_format === 'base64' ? toBase64(embedding) : [...embedding],
              })),
              model: spec.model,
              usage: { prompt_tokens: tokens, total_tokens: tokens },
            }),
          );
        },
      ],
    },
  ];
}

const toEmbeddable = (input: EmbeddingInput): Embeddable => (typeof input === 'string' ? { text: input } : input);

/** Encodes an embedding as little-endian float32 on every machine. */
function toBase64(embedding: Float32Array): string {
  const bytes = Buffer.alloc(4 * embedding.length);
  for (const [at, value] of embedding.entries()) bytes.writeFloatLE(value, 4 * at);
  return bytes.toString('base64');
}
