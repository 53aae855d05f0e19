import type { Request } from 'express';
import type { Config } from '../../shared/config.ts';
import type { ImageSource } from '../../shared/contracts/item.ts';
import { singleRequest, singleResponse } from '../../shared/contracts/single.ts';
import { ServiceError } from '../../shared/errors.ts';
import type { Metrics } from '../../shared/metrics.ts';
import type { Traffic } from '../../traffic/traffic.ts';
import { tenantOf } from '../access/tenant.ts';
import { check } from '../check.ts';
import { clientGone } from '../client-gone.ts';
import type { LargeResponses } from '../large-responses.ts';
import type { Admission } from '../middleware/admission.ts';
import { jsonBody } from '../middleware/json-body.ts';
import { readForm } from '../multipart.ts';
import { problemResponses, requestIdHeader } from '../openapi.ts';
import type { Route } from '../route.ts';

export interface SingleDeps {
  traffic: Traffic;
  metrics: Metrics;
  admission: Admission;
  largeResponses: LargeResponses;
  config: Pick<Config, 'imageMaxBytes'>;
}

/** The route `POST /v1/evaluation/single`: scores one image against one or more texts, without Redis. */
export function singleRoutes({ traffic, metrics, admission, largeResponses, config }: SingleDeps): Route[] {
  return [
    {
      method: 'post',
      path: '/v1/evaluation/single',
      operation: {
        operationId: 'scoreSingle',
        summary: 'Score one image against one or more texts',
        tags: ['evaluation'],
        requestParams: { header: requestIdHeader },
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: singleRequest,
              example: { image: 'https://example.org/cat.jpg', text: 'a cat looking at the camera' },
            },
            'multipart/form-data': {
              schema: {
                type: 'object',
                required: ['image', 'text'],
                properties: {
                  image: {
                    type: 'string',
                    format: 'binary',
                    contentMediaType: 'application/octet-stream',
                    description: 'The image file.',
                  },
                  text: { type: 'string', description: 'Repeat the field for several texts.' },
                  model: { type: 'string' },
                  longText: { type: 'string', enum: ['truncate', 'error'] },
                },
              },
            },
          },
        },
        responses: {
          '200': {
            description: 'The scores',
            content: { 'application/json': { schema: singleResponse } },
          },
          ...problemResponses(400, 413, 415, 422, 502, 503, 504),
        },
      },
      handlers: [
        admission.enter,
        (request, response, next) => (request.is('multipart/form-data') ? next() : jsonBody(request, response, next)),
        async (request, response) => {
          const { image, text, model, longText } = request.is('multipart/form-data')
            ? await readUpload(request, config.imageMaxBytes)
            : check(singleRequest, request.body, 'body');
          const route = await traffic.route(model);
          const texts = typeof text === 'string' ? [text] : text;
          const failed = (error: unknown) => {
            const code = error instanceof ServiceError ? error.code : 'internal';
            metrics.items({ mode: 'single', outcome: 'failed', code }, texts.length);
            throw error;
          };
          const scores = await traffic
            .scoreTexts(route, image, texts, { longText, tenant: tenantOf(request), signal: clientGone(response) })
            .catch(failed);
          const { results, receipt, timings } = scores;
          admission.observe(timings);
          metrics.items({ mode: 'single', outcome: 'succeeded', code: '' }, texts.length);
          const [first] = results;
          if (typeof text !== 'string' || first === undefined) {
            return void (await largeResponses.list(request, response, () => ({ results, receipt, timings })));
          }
          const { text: _, ...scored } = first;
          response.json({ ...scored, receipt, timings });
        },
      ],
    },
  ];
}

/** Reads a form with `image` (a file or an address), one or more `text`, `model` and `longText`. */
async function readUpload(request: Request, maxBytes: number) {
  const { file, fields } = await readForm(request, maxBytes);
  const unknown = [...fields.keys()].find((name) => !['image', 'text', 'model', 'longText'].includes(name));
  if (unknown !== undefined) {
    throw new ServiceError('request.invalid', `The form has the unknown field ${unknown}`, {
      faults: [{ path: unknown, message: 'Unknown field; a form has image, text, model and longText' }],
    });
  }
  const texts = fields.get('text') ?? [];
  const { text, model, image, longText } = check(
    singleRequest,
    {
      image: file === undefined ? fields.get('image')?.[0] : 'uploaded',
      text: texts.length > 1 ? texts : texts[0],
      model: fields.get('model')?.[0],
      longText: fields.get('longText')?.[0],
    },
    'form',
  );
  return { image: file?.bytes ?? (image as ImageSource), text, model, longText };
}
