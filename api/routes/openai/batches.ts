import { createHash } from 'node:crypto';
import type { Request } from 'express';
import type { StoredFile } from '../../../batches/files/files.ts';
import { boundBadItems } from '../../../batches/intake/bad-items.ts';
import { type ItemSource, withFacts } from '../../../batches/intake/item-source.ts';
import { modelOfLine, type RequestFile, requestsOf } from '../../../formats/openai-batch.ts';
import type { Encoders } from '../../../models/pool/encoders.ts';
import {
  openAiBatch,
  openAiBatchList,
  openAiBatchPage,
  openAiBatchPath,
  openAiBatchRequest,
} from '../../../shared/contracts/openai-batches.ts';
import type { FairBytes } from '../../../shared/fair-bytes.ts';
import type { Traffic } from '../../../traffic/traffic.ts';
import { ownerOf } from '../../access/owner.ts';
import { scopeOf, tenantOf } from '../../access/tenant.ts';
import { check } from '../../check.ts';
import { clientGone } from '../../client-gone.ts';
import { checkLoadable } from '../../loadable.ts';
import { jsonBody } from '../../middleware/json-body.ts';
import { problemResponses } from '../../openapi.ts';
import type { Route } from '../../route.ts';
import { idempotencyKeyOf, pin } from '../batches.ts';
import { batchIdOf, toOpenAiBatch } from './batch-shape.ts';
import { type FileDeps, listOf } from './files.ts';

export interface RequestBatchDeps extends FileDeps {
  traffic: Traffic;
  encoders: Pick<Encoders, 'states'>;
  /** Limits the memory of incomplete lines over all requests. */
  pendingBudget: FairBytes;
}

const pageSize = 20;
const firstLineBytes = 32 * 1024 * 1024;

/** Routes of `/v1/batches`, whose lines are requests as OpenAI's clients post them. */
export function requestBatchRoutes(deps: RequestBatchDeps): Route[] {
  const { batches, files, traffic, encoders, limitsOf, largeResponses, audit, pendingBudget } = deps;
  const batch = { 'application/json': { schema: openAiBatch } } as const;
  const idOf = (request: Request): string => batchIdOf(check(openAiBatchPath, request.params, 'path').id);

  /** Returns an empty string when the line is too long. */
  async function firstLineOf(file: StoredFile): Promise<string> {
    let text = '';
    for await (const piece of files.read(file)) {
      text = (text + piece.toString('utf8')).replace(/^[\s\uFEFF]+/, '');
      const end = text.indexOf('\n');
      if (end >= 0) return text.slice(0, end);
      if (text.length > firstLineBytes) return '';
    }
    return text;
  }

  function itemsOf(file: StoredFile, read: RequestFile, request: Request, signal: AbortSignal): ItemSource {
    const pending = pendingBudget.hold(ownerOf(request), signal);
    const columns = { image: 'image', text: 'text', id: 'id' };
    const items = requestsOf(files.read(file), read, { strictness: 'lenient', columns, pending });
    async function* releasing() {
      try {
        yield* boundBadItems(items, () => file.bytes);
      } finally {
        pending.release();
      }
    }
    const bodyHash = () => createHash('sha256').update(JSON.stringify(request.body)).digest('hex');
    return withFacts(releasing(), () => ({ bodyHash }));
  }

  return [
    {
      method: 'post',
      path: '/v1/batches',
      isAtRoot: true,
      operation: {
        operationId: 'createRequestBatch',
        summary: 'Create a batch from a file of requests',
        description:
          'Each line is `{custom_id, method: "POST", url, body}` for the endpoint of the batch, and all lines name the same model. A line that cannot be read fails and does not affect other lines. The response is sent when all lines are stored.',
        tags: ['openai'],
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: openAiBatchRequest,
              example: {
                input_file_id: 'file-5d0cfa2b-7c4c-4f7f-9d32-8b1d6f0a3c11',
                endpoint: '/v1/embeddings',
                completion_window: '24h',
              },
            },
          },
        },
        responses: {
          '200': { description: 'The batch', content: batch },
          ...problemResponses(400, 404, 409, 413, 415, 422, 503, 507),
        },
      },
      handlers: [
        jsonBody,
        async (request, response) => {
          const asked = check(openAiBatchRequest, request.body, 'body');
          const file = await files.find(tenantOf(request), asked.input_file_id);
          const model = modelOfLine(await firstLineOf(file));
          const pinned = { ...(await pin(traffic, { model, longText: 'truncate' })), traffic: undefined };
          checkLoadable(pinned, encoders.states());
          const posted = await batches.post({
            tenant: tenantOf(request),
            limits: limitsOf(request),
            pinned,
            options: {
              requests: {
                endpoint: asked.endpoint,
                inputFileId: file.id,
                window: asked.completion_window,
                metadata: asked.metadata ?? null,
              },
            },
            items: itemsOf(file, { endpoint: asked.endpoint, model }, request, clientGone(response)),
            idempotencyKey: idempotencyKeyOf(request),
            onCreated: (batchId) => audit(request, response, 'batch.posted', { batchId }),
          });
          response.locals['batchId'] = posted.id;
          response.json(toOpenAiBatch(posted));
        },
      ],
    },
    {
      method: 'get',
      path: '/v1/batches',
      isAtRoot: true,
      operation: {
        operationId: 'listRequestBatches',
        summary: 'List your batches of requests, the latest first',
        tags: ['openai'],
        requestParams: { query: openAiBatchPage },
        responses: {
          '200': { description: 'A page of batches', content: { 'application/json': { schema: openAiBatchList } } },
          ...problemResponses(400, 404, 503),
        },
      },
      handlers: [
        async (request, response) => {
          const { after, limit = pageSize } = check(openAiBatchPage, request.query, 'query');
          await largeResponses.page(request, response, async () => {
            const query = { limit, onlyRequests: true, after: after === undefined ? undefined : batchIdOf(after) };
            const { batches: found, next } = await batches.list(tenantOf(request), query);
            return listOf(found.map(toOpenAiBatch), next !== null && found.length === limit);
          });
        },
      ],
    },
    {
      method: 'get',
      path: '/v1/batches/{id}',
      isAtRoot: true,
      operation: {
        operationId: 'getRequestBatch',
        summary: 'Read a batch of requests',
        tags: ['openai'],
        requestParams: { path: openAiBatchPath },
        responses: { '200': { description: 'The batch', content: batch }, ...problemResponses(404, 503) },
      },
      handlers: [
        async (request, response) => {
          response.json(toOpenAiBatch(await batches.status(scopeOf(request), idOf(request))));
        },
      ],
    },
    {
      method: 'post',
      path: '/v1/batches/{id}/cancel',
      isAtRoot: true,
      operation: {
        operationId: 'cancelRequestBatch',
        summary: 'Cancel a batch of requests',
        tags: ['openai'],
        requestParams: { path: openAiBatchPath },
        responses: { '200': { description: 'The batch', content: batch }, ...problemResponses(404, 503) },
      },
      handlers: [
        async (request, response) => {
          // `toOpenAiBatch` throws for batches of another interface, which must not be cancelled here.
          toOpenAiBatch(await batches.status(scopeOf(request), idOf(request)));
          const cancelled = await batches.cancel(scopeOf(request), idOf(request));
          audit(request, response, 'batch.cancelled', { batchId: cancelled.id, batchTenant: cancelled.tenant });
          response.json(toOpenAiBatch(cancelled));
        },
      ],
    },
  ];
}
