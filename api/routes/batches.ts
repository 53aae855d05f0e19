import type { Request, Response } from 'express';
import { z } from 'zod';
import type { Batches } from '../../batches/batches.ts';
import type { TenantLimits } from '../../batches/intake/posting.ts';
import { partsOf } from '../../batches/reading/parts.ts';
import type { BatchOptions, Pinned } from '../../batches/store/record.ts';
import { type Bytes, toBuffer } from '../../formats/bytes.ts';
import type { Strictness } from '../../formats/items.ts';
import { createWebhookCheck, type WebhookConfig } from '../../images/webhook-post.ts';
import { recipeOf } from '../../models/model.ts';
import type { Encoders } from '../../models/pool/encoders.ts';
import type { Config } from '../../shared/config.ts';
import { batchChange, rescoreQuery, retryQuery } from '../../shared/contracts/batch/changes.ts';
import { batchPath } from '../../shared/contracts/batch/fields.ts';
import { batchList, listQuery } from '../../shared/contracts/batch/list.ts';
import { type BatchQuery, batchQuery, batchRequest } from '../../shared/contracts/batch/post.ts';
import type { StreamQuery } from '../../shared/contracts/batch/results.ts';
import {
  type BatchStatus,
  batchStatus,
  batchWithResults,
  terminalStates,
} from '../../shared/contracts/batch/status.ts';
import { ServiceError } from '../../shared/errors.ts';
import type { FairBytes } from '../../shared/fair-bytes.ts';
import { labelsInWords } from '../../shared/formats.ts';
import { everyTenant, type TenantScope } from '../../shared/redis/keys.ts';
import type { Traffic } from '../../traffic/traffic.ts';
import type { OpenStreams } from '../access/open-streams.ts';
import { ownerOf } from '../access/owner.ts';
import type { RequestAudit } from '../access/request-audit.ts';
import { scopeOf, tenantOf } from '../access/tenant.ts';
import { type BatchBody, readDocument, readStream, streamedFormats, streamFormat } from '../batch-body.ts';
import { check } from '../check.ts';
import { clientGone } from '../client-gone.ts';
import type { LargeResponses } from '../large-responses.ts';
import { checkLoadable } from '../loadable.ts';
import { jsonBody } from '../middleware/json-body.ts';
import { problemResponses } from '../openapi.ts';
import { preferredWaitSeconds } from '../prefer-wait.ts';
import type { Route } from '../route.ts';

export interface BatchDeps {
  batches: Batches;
  traffic: Traffic;
  encoders: Pick<Encoders, 'states'>;
  config: Pick<Config, 'webhookSecret'> & WebhookConfig;
  limitsOf: (request: Request) => TenantLimits;
  openStreams: OpenStreams;
  largeResponses: LargeResponses;
  audit: RequestAudit;
  /** Limits the memory that the incomplete lines of all uploads use together. */
  pendingBudget: FairBytes;
}

const streamedBodies = Object.fromEntries(
  streamedFormats.map(({ mediaTypes, summary, example, isText }) => [
    mediaTypes[0],
    { schema: { type: 'string' as const, description: summary, ...(!isText && { format: 'binary' }) }, example },
  ]),
);
const status = { 'application/json': { schema: batchStatus } } as const;

/** Declared for the OpenAPI document, so that generated clients can send it. */
const idempotencyHeader = z.object({
  'Idempotency-Key': z.string().min(1).max(255).optional().meta({
    description: 'Printable ASCII. Repeating the same request with the same key returns the same batch.',
  }),
});
const preferHeader = z.object({
  Prefer: z.string().optional().meta({
    description: '`wait=N`: answer when the batch has ended, or after N seconds.',
    example: 'wait=10',
  }),
});

/** Routes to post, list, read, cancel, retry, rescore and delete batches. */
export function batchRoutes({
  batches,
  traffic,
  encoders,
  config,
  limitsOf,
  openStreams,
  largeResponses,
  audit,
  pendingBudget,
}: BatchDeps): Route[] {
  const checkAddress = createWebhookCheck(config);

  /**
   * @throws {ServiceError} `request.invalid` without a secret to sign webhooks, or for an address that is not allowed.
   */
  function checkWebhook(address: string | undefined): void {
    if (address === undefined) return;
    const refuse = (message: string, cause?: unknown) =>
      new ServiceError('request.invalid', message, { cause, faults: [{ path: 'webhook', message }] });
    if (config.webhookSecret === undefined) {
      throw refuse('This service cannot sign webhooks, so it sends none; ask its operator to set WEBHOOK_SECRET');
    }
    try {
      checkAddress(address);
    } catch (error) {
      throw refuse(`The webhook is refused: ${(error as Error).message}`, error);
    }
  }

  const readBody = (request: Request, response: Response, format: BodyFormat, query: BatchQuery) => {
    const gone = clientGone(response);
    const pending = pendingBudget.hold(ownerOf(request), gone);
    return readStream(request, format, query, strictnessOf(query), pending, gone);
  };

  return [
    {
      method: 'post',
      path: '/v1/evaluation/batch',
      operation: {
        operationId: 'postBatch',
        summary: 'Post a batch of items',
        description: [
          'Answers as soon as the batch is stored. An invalid item fails with its error code and does not affect other items; with `strict=true`, it makes the whole batch invalid.',
          `${labelsInWords(streamedFormats)} are stored while they arrive, and their length has no limit; a Parquet file may have at most 512 MiB. Options are query parameters. The body may be compressed with gzip, or sent as a file in a form. A JSON array is accepted as a file in a form, or as a body of up to 32 MiB.`,
          '`Prefer: wait=N` answers 200 with the results when the batch has ended within N seconds (at most 60).',
          'With an `Idempotency-Key`, repeating the same body and options returns the same batch.',
          'Instead of `items`, the body may have `input`: the address of an object in a bucket, below a prefix that the operator allows you to use (BATCH_BUCKETS). The answer is 202 at once, with state `accepting`. A worker then reads the object and writes the results as files below `output`.',
        ].join('\n\n'),
        tags: ['evaluation'],
        requestParams: { query: batchQuery, header: idempotencyHeader.extend(preferHeader.shape) },
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: batchRequest,
              example: { items: [{ id: 'i0', image: 'https://example.org/cat.jpg', text: 'a cat' }] },
            },
            ...streamedBodies,
            'multipart/form-data': {
              schema: {
                type: 'object',
                required: ['file'],
                properties: {
                  // Code generators recognise a file by `format: binary`; OpenAPI 3.1 uses `contentMediaType`.
                  file: { type: 'string', format: 'binary', contentMediaType: 'application/octet-stream' },
                },
              },
            },
          },
        },
        responses: {
          '200': {
            description: 'The batch has ended within the time of `Prefer: wait=N`',
            content: { 'application/json': { schema: batchWithResults } },
          },
          '202': {
            description: 'The batch is stored and will be evaluated',
            headers: { Location: { description: 'The path of the status of the batch', schema: { type: 'string' } } },
            content: status,
          },
          ...problemResponses(400, 403, 409, 413, 415, 422, 503, 507),
        },
      },
      handlers: [
        (request, response, next) => (streamFormat(request) ? next() : jsonBody(request, response, next)),
        async (request, response) => {
          const query = check(batchQuery, request.query, 'query');
          const seconds = preferredWaitSeconds(request.get('prefer'));
          // Checked before the batch is stored, so that a refused request creates no batch.
          const signal = seconds > 0 ? openStreams.open(request, response) : undefined;
          const format = streamFormat(request);
          const body = format
            ? await readBody(request, response, format, query)
            : readDocument(request, query, strictnessOf(query));
          checkWebhook(body.options.webhookUrl);
          const { pinned, options } = await pinWithEmbeddings(traffic, batches, tenantOf(request), body);
          checkLoadable(pinned, encoders.states());
          const posting = {
            tenant: tenantOf(request),
            limits: limitsOf(request),
            pinned,
            options,
            idempotencyKey: idempotencyKeyOf(request),
            onCreated: (batchId: string) => audit(request, response, 'batch.posted', { batchId }),
          };
          const posted = await ('items' in body
            ? batches.post({ ...posting, items: body.items })
            : batches.postReference({ ...posting, ...body.reference }));
          response.location(posted.links.self);
          response.locals['batchId'] = posted.id;
          if (signal !== undefined && 'items' in body && posted.items.total <= maxWaitItems) {
            response.setHeader('Preference-Applied', `wait=${seconds}`);
            const ended = await batches.wait(scopeOf(request), posted.id, seconds * 1000, signal);
            signal.throwIfAborted();
            if (terminalStates.has(ended.state)) {
              const results = await batches.stream(scopeOf(request), posted.id, 'ndjson', allResults);
              response.type('json');
              return void (await largeResponses.stream(request, response, withResults(ended, results), signal));
            }
            return void response.status(202).json(ended);
          }
          response.status(202).json(posted);
        },
      ],
    },
    {
      method: 'get',
      path: '/v1/evaluation/batch',
      operation: {
        operationId: 'listBatches',
        summary: 'List your batches, the latest first',
        description: 'Operators may list another tenant, or all tenants with `tenant=*`.',
        tags: ['evaluation'],
        requestParams: { query: listQuery },
        responses: {
          '200': { description: 'A page of batches', content: { 'application/json': { schema: batchList } } },
          ...problemResponses(400, 503),
        },
      },
      handlers: [
        async (request, response) => {
          const query = check(listQuery, request.query, 'query');
          const reach = listedTenant(request, query.tenant);
          await largeResponses.page(request, response, () => batches.list(reach, query));
        },
      ],
    },
    {
      method: 'get',
      path: '/v1/evaluation/batch/{id}',
      operation: {
        operationId: 'getBatch',
        summary: 'Read the status of a batch',
        tags: ['evaluation'],
        requestParams: { path: batchPath },
        responses: {
          '200': { description: 'The status of the batch', content: status },
          ...problemResponses(404, 503),
        },
      },
      handlers: [
        async (request, response) => {
          response.json(await batches.status(scopeOf(request), idOf(request)));
        },
      ],
    },
    {
      method: 'patch',
      path: '/v1/evaluation/batch/{id}',
      operation: {
        operationId: 'changeBatch',
        summary: 'Change the name, the tags or the retention of a batch',
        description:
          'A batch can be changed at any time, also while it runs. The retention begins at the end of the batch; `expiresAt` is the resulting time of its deletion.',
        tags: ['evaluation'],
        requestParams: { path: batchPath },
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: batchChange,
              example: { name: 'Photos of November', tags: ['photos'], retentionHours: 240 },
            },
          },
        },
        responses: {
          '200': { description: 'The status of the batch', content: status },
          ...problemResponses(400, 404, 413, 415, 503),
        },
      },
      handlers: [
        jsonBody,
        async (request, response) => {
          const change = check(batchChange, request.body, 'body');
          const changed = await batches.change(scopeOf(request), idOf(request), change);
          audit(request, response, 'batch.changed', { batchId: changed.id, batchTenant: changed.tenant });
          response.json(changed);
        },
      ],
    },
    {
      method: 'delete',
      path: '/v1/evaluation/batch/{id}',
      operation: {
        operationId: 'deleteBatch',
        summary: 'Delete a batch; a running one is cancelled first',
        tags: ['evaluation'],
        requestParams: { path: batchPath },
        responses: { '204': { description: 'The batch is deleted' }, ...problemResponses(404, 503) },
      },
      handlers: [
        async (request, response) => {
          const batchId = idOf(request);
          await batches.remove(scopeOf(request), batchId);
          await traffic.forget(batchId);
          audit(request, response, 'batch.deleted', { batchId });
          response.status(204).end();
        },
      ],
    },
    {
      method: 'post',
      path: '/v1/evaluation/batch/{id}/cancel',
      operation: {
        operationId: 'cancelBatch',
        summary: 'Cancel a batch',
        description:
          'Items that have been evaluated keep their results; the others are cancelled. A batch that has ended does not change.',
        tags: ['evaluation'],
        requestParams: { path: batchPath },
        responses: {
          '200': { description: 'The status of the batch', content: status },
          ...problemResponses(404, 503),
        },
      },
      handlers: [
        async (request, response) => {
          const cancelled = await batches.cancel(scopeOf(request), idOf(request));
          audit(request, response, 'batch.cancelled', { batchId: cancelled.id, batchTenant: cancelled.tenant });
          response.json(cancelled);
        },
      ],
    },
    {
      method: 'post',
      path: '/v1/evaluation/batch/{id}/retry',
      operation: {
        operationId: 'retryBatch',
        summary: 'Evaluate the failed or cancelled items again',
        description:
          'Creates a new batch of the failed items. `status` selects the cancelled items instead, or both. The new batch has the same model, name and tags. `retryOf` and `retriedBy` link the two batches. With an `Idempotency-Key`, repeating the request returns the same batch.',
        tags: ['evaluation'],
        requestParams: { path: batchPath, query: retryQuery, header: idempotencyHeader },
        responses: {
          '202': { description: 'The new batch', content: status },
          ...problemResponses(400, 403, 404, 409, 503, 507),
        },
      },
      handlers: [
        async (request, response) => {
          const idempotencyKey = idempotencyKeyOf(request);
          const { status: statuses, retryable } = check(retryQuery, request.query, 'query');
          const child = await batches.retry(scopeOf(request), idOf(request), {
            limits: limitsOf(request),
            idempotencyKey,
            statuses,
            onlyRetryable: retryable === 'true',
            onCreated: (child, batchTenant) =>
              audit(request, response, 'batch.retried', { batchId: idOf(request), batchTenant, child }),
          });
          response.status(202).location(child.links.self).json(child);
        },
      ],
    },
    {
      method: 'post',
      path: '/v1/evaluation/batch/{id}/rescore',
      operation: {
        operationId: 'rescoreBatch',
        summary: 'Score the items of a batch again',
        description:
          'Creates a new batch of the same items. Another model scores them, or each image is paired with the text of another item. `rescoreOf` of the new batch is the id of this one. With an `Idempotency-Key`, repeating the request returns the same batch.',
        tags: ['evaluation'],
        requestParams: { path: batchPath, query: rescoreQuery, header: idempotencyHeader },
        responses: {
          '202': { description: 'The new batch', content: status },
          ...problemResponses(400, 403, 404, 409, 503, 507),
        },
      },
      handlers: [
        async (request, response) => {
          const idempotencyKey = idempotencyKeyOf(request);
          const { model, ...rescored } = check(rescoreQuery, request.query, 'query');
          const { longText } = await batches.status(scopeOf(request), idOf(request));
          const pinned = model === undefined ? undefined : await pin(traffic, { model, longText });
          if (pinned !== undefined) checkLoadable(pinned, encoders.states());
          const child = await batches.rescore(scopeOf(request), idOf(request), {
            ...rescored,
            pinned,
            limits: limitsOf(request),
            idempotencyKey,
            onCreated: (child, batchTenant) =>
              audit(request, response, 'batch.rescored', { batchId: idOf(request), batchTenant, child }),
          });
          response.status(202).location(child.links.self).json(child);
        },
      ],
    },
  ];
}

/** Returns the tenant whose batches to list, or all tenants. @throws {ServiceError} `access.operator_only` */
function listedTenant(request: Request, requested: string | undefined): TenantScope {
  const tenant = requested ?? tenantOf(request);
  if (tenant === tenantOf(request)) return tenant;
  if (scopeOf(request) === everyTenant) return tenant === '*' ? everyTenant : tenant;
  throw new ServiceError('access.operator_only', 'Only operators may list the batches of other tenants');
}

type BodyFormat = Parameters<typeof readStream>[1];

const strictnessOf = ({ strict }: BatchQuery): Strictness => (strict === 'true' ? 'strict' : 'lenient');

const allResults: StreamQuery = { formulas: 'keep' };

/** Yields a JSON document with the batch status and its results, part by part as results are read. */
function withResults(status: BatchStatus, lines: AsyncIterator<Bytes>): AsyncIterator<Bytes> {
  let separator = '';
  // An NDJSON line contains no line break except at its end.
  const write = (part: Bytes) => {
    const results = separator + toBuffer(part).toString().slice(0, -1).replaceAll('\n', ',');
    separator = ',';
    return results;
  };
  const before = `${JSON.stringify(status).slice(0, -1)},"results":[`;
  return partsOf(lines, write, { before, after: () => ']}' });
}

const idOf = (request: Request): string => check(batchPath, request.params, 'path').id;

/** Returns the model and options of a batch, which later changes of the configuration do not affect. */
export async function pin(
  traffic: Traffic,
  { model, longText }: Pick<BatchBody, 'model' | 'longText'>,
): Promise<Pinned> {
  const { name, profile, spec, pairProbabilities, plan } = await traffic.route(model);
  return { profile, postedName: name, longText, pairProbabilities, traffic: plan, ...recipeOf(spec) };
}

/**
 * Returns the model of a batch, as {@link pin} does, and its options. With `imagesFrom`, the model is that of the
 * earlier batch. With `embeddings`, the options include the embedding length.
 * @throws {ServiceError} `request.invalid`, `batch.not_found`, `batch.no_embeddings`, `batch.not_finished`,
 * `batch.other_model`
 */
async function pinWithEmbeddings(
  traffic: Traffic,
  batches: Batches,
  tenant: string,
  { model, longText, options }: BatchBody,
): Promise<{ pinned: Pinned; options: BatchOptions }> {
  const { embeddings, embeddingPrecision, imagesFrom } = options;
  const refuse = (path: string, message: string) =>
    new ServiceError('request.invalid', `${path}: ${message}`, { faults: [{ path, message }] });
  if (embeddings === undefined && embeddingPrecision !== undefined) {
    throw refuse('embeddingPrecision', 'needs the option `embeddings`; without it, no embeddings are stored');
  }
  if (imagesFrom !== undefined) {
    const asked = model === undefined ? undefined : await pin(traffic, { model, longText });
    const { pinned, dimensions } = await batches.imagesFrom(tenant, imagesFrom, asked);
    return {
      pinned: { ...pinned, longText },
      options: { ...options, ...(embeddings !== undefined && { dimensions }) },
    };
  }
  const pinned = await pin(traffic, { model, longText });
  if (embeddings === undefined) return { pinned, options };
  if ((pinned.traffic?.arms.length ?? 1) > 1) {
    throw refuse(
      'embeddings',
      `the profile ${pinned.postedName} shares its traffic among several models; name one of them in \`model\``,
    );
  }
  return { pinned, options: { ...options, dimensions: (await traffic.route(model)).spec.dimensions } };
}

/** The maximum number of items for which the response to a post may contain results. */
const maxWaitItems = 10_000;

/** @throws {ServiceError} `request.invalid` */
export function idempotencyKeyOf(request: Request): string | undefined {
  const key = request.get('idempotency-key');
  if (key === undefined || /^[\x20-\x7e]{1,255}$/.test(key)) return key;
  const message = 'An Idempotency-Key must have 1 to 255 printable ASCII characters';
  throw new ServiceError('request.invalid', message, { faults: [{ path: 'Idempotency-Key', message }] });
}
