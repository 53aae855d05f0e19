import type { Batches } from '../../batches/batches.ts';
import { preprocessVersion } from '../../models/model.ts';
import type { Registry } from '../../models/registry.ts';
import {
  batchEnvelope,
  batchPath,
  batchQuery,
  batchRequest,
  batchStatus,
  resultsPage,
  resultsQuery,
} from '../../shared/contracts/batch.ts';
import { batchItem } from '../../shared/contracts/item.ts';
import { ServiceError } from '../../shared/errors.ts';
import { jsonBody } from '../middleware/json-body.ts';
import { problemResponses } from '../openapi.ts';
import { check, invalid, type Route, tenantOf } from '../route.ts';

export interface BatchDeps {
  batches: Batches;
  registry: Registry;
}

/** `/v1/evaluation/batch`: post many pairs, look how they are doing, read what became of them. */
export function batchRoutes({ batches, registry }: BatchDeps): Route[] {
  return [
    {
      method: 'post',
      path: '/v1/evaluation/batch',
      operation: {
        operationId: 'postBatch',
        summary: 'Post a batch of pairs',
        description:
          'Answers as soon as the batch is stored. A bad item fails alone, with its code; `strict=true` refuses the batch instead.',
        tags: ['evaluation'],
        requestParams: { query: batchQuery },
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: batchRequest,
              example: { items: [{ id: 'i0', image: 'https://example.org/cat.jpg', text: 'a cat' }] },
            },
          },
        },
        responses: {
          '202': {
            description: 'The batch is stored and will be finished',
            headers: { Location: { description: 'Where its status is', schema: { type: 'string' } } },
            content: { 'application/json': { schema: batchStatus } },
          },
          ...problemResponses(400, 413, 415, 422, 503),
        },
      },
      handlers: [
        jsonBody,
        async (request, response) => {
          const { strict } = check(batchQuery, request.query, 'query');
          const { items, model } = check(batchEnvelope, request.body, 'body');
          if (items.length === 0) throw new ServiceError('batch.empty', 'The batch has no items');
          if (strict === 'true') refuseBadItems(items);
          const { profile, spec } = await registry.resolve(model);
          const { model: name, revision, precision } = spec;
          const pinned = { profile, model: name, revision, precision, preprocess: preprocessVersion };
          const status = await batches.post(tenantOf(request), pinned, items);
          response.status(202).location(status.links.self).json(status);
        },
      ],
    },
    {
      method: 'get',
      path: '/v1/evaluation/batch/{id}',
      operation: {
        operationId: 'getBatch',
        summary: 'Status of a batch',
        tags: ['evaluation'],
        requestParams: { path: batchPath },
        responses: {
          '200': { description: 'Its status', content: { 'application/json': { schema: batchStatus } } },
          ...problemResponses(404, 503),
        },
      },
      handlers: [
        async (request, response) => {
          const { id } = check(batchPath, request.params, 'path');
          response.json(await batches.status(tenantOf(request), id));
        },
      ],
    },
    {
      method: 'get',
      path: '/v1/evaluation/batch/{id}/results',
      operation: {
        operationId: 'getBatchResults',
        summary: 'Results of a batch, also while it runs',
        description: 'Pages in the order of evaluation. While the batch runs, `next` leads to what finishes later.',
        tags: ['evaluation'],
        requestParams: { path: batchPath, query: resultsQuery },
        responses: {
          '200': { description: 'A page of results', content: { 'application/json': { schema: resultsPage } } },
          ...problemResponses(400, 404, 503),
        },
      },
      handlers: [
        async (request, response) => {
          const { id } = check(batchPath, request.params, 'path');
          const query = check(resultsQuery, request.query, 'query');
          response.json(await batches.results(tenantOf(request), id, query));
        },
      ],
    },
  ];
}

function refuseBadItems(items: readonly unknown[]): void {
  const parsed = batchItem.array().safeParse(items);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) issue.path.unshift('items');
    throw invalid(parsed.error, 'items');
  }
}
