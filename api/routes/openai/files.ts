import type { Request } from 'express';
import type { Batches } from '../../../batches/batches.ts';
import type { Files, StoredFile } from '../../../batches/files/files.ts';
import type { TenantLimits } from '../../../batches/intake/posting.ts';
import { partsOf } from '../../../batches/reading/parts.ts';
import { type Bytes, toBuffer } from '../../../formats/bytes.ts';
import {
  type OpenAiFile,
  openAiFile,
  openAiFileDeleted,
  openAiFileList,
  openAiFilePath,
  openAiPage,
  openAiUpload,
} from '../../../shared/contracts/openai-files.ts';
import { ServiceError } from '../../../shared/errors.ts';
import type { TenantScope } from '../../../shared/redis/keys.ts';
import type { RequestAudit } from '../../access/request-audit.ts';
import { scopeOf, tenantOf } from '../../access/tenant.ts';
import { check } from '../../check.ts';
import { clientGone } from '../../client-gone.ts';
import type { LargeResponses } from '../../large-responses.ts';
import { streamForm } from '../../multipart.ts';
import { problemResponses } from '../../openapi.ts';
import type { Route } from '../../route.ts';
import { outputOf, toOpenAiBatch } from './batch-shape.ts';
import { outcomeOf, toOutputLines } from './output-lines.ts';

export interface FileDeps {
  files: Files;
  batches: Batches;
  limitsOf: (request: Request) => TenantLimits;
  largeResponses: LargeResponses;
  audit: RequestAudit;
}

const pageSize = 100;
/**
 * The maximum number of remembered file sizes. Determining the size of a large file takes seconds, because all its
 * lines are generated.
 */
const sizesKept = 10_000;

/** Routes of `/v1/files`: uploaded input files and the output files of batches. */
export function fileRoutes({ files, batches, limitsOf, largeResponses, audit }: FileDeps): Route[] {
  /** Sizes of output files in bytes, by file id. They never change. */
  const sizes = new Map<string, number>();

  /** Returns the lines of an output file, or undefined for an uploaded file. */
  async function openOutput(scope: TenantScope, id: string) {
    const output = outputOf(id);
    if (output === undefined) return undefined;
    const { batchId, part } = output;
    const status = await batches.status(scope, batchId).catch(() => undefined);
    const batch = status?.requests == null ? undefined : toOpenAiBatch(status);
    if (status === undefined || batch === undefined || (batch.output_file_id !== id && batch.error_file_id !== id)) {
      throw new ServiceError('file.not_found', `There is no file ${id.slice(0, 100)}`);
    }
    const results = await batches.stream(scope, batchId, 'ndjson', { formulas: 'keep', status: outcomeOf[part] });
    return { lines: partsOf(results, toOutputLines(batchId)), batch, part };
  }

  /** Describes an output file. Generates all lines once to determine the size. */
  async function describeOutput(scope: TenantScope, id: string): Promise<OpenAiFile | undefined> {
    const output = await openOutput(scope, id);
    if (output === undefined) return undefined;
    const { batch, part } = output;
    const bytes = sizes.get(id) ?? (await countBytes(output.lines));
    sizes.set(id, bytes);
    if (sizes.size > sizesKept) sizes.delete(sizes.keys().next().value ?? '');
    return {
      id,
      object: 'file',
      bytes,
      created_at: batch.completed_at ?? batch.failed_at ?? batch.cancelled_at ?? batch.created_at,
      expires_at: batch.expires_at,
      filename: `${batch.id}_${part}.jsonl`,
      purpose: 'batch_output',
      status: 'processed',
    };
  }

  const idOf = (request: Request): string => check(openAiFilePath, request.params, 'path').id;
  const file = { 'application/json': { schema: openAiFile } } as const;

  return [
    {
      method: 'post',
      path: '/v1/files',
      isAtRoot: true,
      operation: {
        operationId: 'createFile',
        summary: 'Upload a file of requests for a batch',
        description: 'A form with `purpose=batch` and the file. Each line of the file is a request as JSON.',
        tags: ['openai'],
        requestBody: {
          required: true,
          content: {
            'multipart/form-data': {
              schema: {
                type: 'object',
                required: ['file', 'purpose'],
                properties: {
                  file: { type: 'string', format: 'binary', contentMediaType: 'application/octet-stream' },
                  purpose: { type: 'string', enum: ['batch'] },
                },
              },
            },
          },
        },
        responses: {
          '200': { description: 'The file', content: file },
          ...problemResponses(400, 413, 415, 503, 507),
        },
      },
      handlers: [
        async (request, response) => {
          const stored = await streamForm(request, (stream, form) =>
            files.store({
              tenant: tenantOf(request),
              bytes: stream as AsyncIterable<Buffer>,
              sharesMemory: limitsOf(request).sharesMemory ?? false,
              facts() {
                const fields = check(openAiUpload, Object.fromEntries(form.fields), 'form');
                const seconds = fields['expires_after[seconds]'];
                return { name: form.filename, lifeMs: seconds === undefined ? undefined : seconds * 1000 };
              },
            }),
          );
          audit(request, response, 'file.stored', { fileId: stored.id });
          response.json(toOpenAi(stored));
        },
      ],
    },
    {
      method: 'get',
      path: '/v1/files',
      isAtRoot: true,
      operation: {
        operationId: 'listFiles',
        summary: 'List your uploaded files, the latest first',
        description: 'The list does not contain the outputs of batches; the batch has their ids.',
        tags: ['openai'],
        requestParams: { query: openAiPage },
        responses: {
          '200': { description: 'A page of files', content: { 'application/json': { schema: openAiFileList } } },
          ...problemResponses(400, 404, 503),
        },
      },
      handlers: [
        async (request, response) => {
          const { after, limit = pageSize, purpose = 'batch' } = check(openAiPage, request.query, 'query');
          const [found, hasMore] =
            purpose === 'batch' ? await files.list(tenantOf(request), { after, limit }) : [[], false];
          response.json(listOf(found.map(toOpenAi), hasMore));
        },
      ],
    },
    {
      method: 'get',
      path: '/v1/files/{id}',
      isAtRoot: true,
      operation: {
        operationId: 'getFile',
        summary: 'Read the name, size and times of a file',
        tags: ['openai'],
        requestParams: { path: openAiFilePath },
        responses: { '200': { description: 'The file', content: file }, ...problemResponses(404, 503) },
      },
      handlers: [
        async (request, response) => {
          const scope = scopeOf(request);
          response.json(
            (await describeOutput(scope, idOf(request))) ?? toOpenAi(await files.find(scope, idOf(request))),
          );
        },
      ],
    },
    {
      method: 'get',
      path: '/v1/files/{id}/content',
      isAtRoot: true,
      operation: {
        operationId: 'getFileContent',
        summary: 'Download an uploaded file, or an output file of a batch that has ended',
        tags: ['openai'],
        requestParams: { path: openAiFilePath },
        responses: {
          '200': {
            description: 'The lines',
            content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
          },
          ...problemResponses(404, 503),
        },
      },
      handlers: [
        async (request, response) => {
          const scope = scopeOf(request);
          const output = await openOutput(scope, idOf(request));
          const parts: AsyncIterator<Bytes> = output?.lines ?? files.read(await files.find(scope, idOf(request)));
          response.type('application/octet-stream');
          await largeResponses.stream(request, response, parts, clientGone(response));
        },
      ],
    },
    {
      method: 'delete',
      path: '/v1/files/{id}',
      isAtRoot: true,
      operation: {
        operationId: 'deleteFile',
        summary: 'Delete an uploaded file',
        description:
          'A batch has its own copy of the lines, so it is not affected. The outputs of a batch are deleted with the batch.',
        tags: ['openai'],
        requestParams: { path: openAiFilePath },
        responses: {
          '200': { description: 'The file is deleted', content: { 'application/json': { schema: openAiFileDeleted } } },
          ...problemResponses(400, 404, 503),
        },
      },
      handlers: [
        async (request, response) => {
          const id = idOf(request);
          const output = outputOf(id);
          if (output !== undefined) {
            throw new ServiceError(
              'request.invalid',
              `The outputs of a batch are deleted only together with the batch: send DELETE /evaluator/v1/evaluation/batch/${output.batchId}`,
            );
          }
          await files.remove(scopeOf(request), id);
          audit(request, response, 'file.deleted', { fileId: id });
          response.json({ id, object: 'file', deleted: true });
        },
      ],
    },
  ];
}

async function countBytes(parts: AsyncIterable<Bytes>): Promise<number> {
  let bytes = 0;
  for await (const part of parts) bytes += toBuffer(part).length;
  return bytes;
}

const toOpenAi = ({ id, bytes, createdAt, expiresAt, name }: StoredFile): OpenAiFile => ({
  id,
  object: 'file',
  bytes,
  created_at: Math.floor(createdAt / 1000),
  expires_at: Math.floor(expiresAt / 1000),
  filename: name,
  purpose: 'batch',
  status: 'processed',
});

export const listOf = <Item extends { id: string }>(data: readonly Item[], hasMore: boolean) => ({
  object: 'list' as const,
  data,
  first_id: data[0]?.id ?? null,
  last_id: data.at(-1)?.id ?? null,
  has_more: hasMore,
});
