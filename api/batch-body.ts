import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Request } from 'express';
import { boundBadItems } from '../batches/intake/bad-items.ts';
import { type ItemSource, withFacts } from '../batches/intake/item-source.ts';
import type { ReferencePosting } from '../batches/intake/posting.ts';
import type { BatchOptions } from '../batches/store/record.ts';
import { readBody } from '../formats/body.ts';
import type { ColumnNames } from '../formats/format.ts';
import { readItems } from '../formats/index.ts';
import { itemsOfList, type Strictness } from '../formats/items.ts';
import { releasing } from '../formats/pending-budget.ts';
import { declaredEncoding } from '../formats/text.ts';
import { maxNameLength } from '../shared/contracts/batch/fields.ts';
import { type BatchQuery, batchEnvelope, budgetAfter, referenceEnvelope } from '../shared/contracts/batch/post.ts';
import type { LongText } from '../shared/contracts/item.ts';
import { ServiceError } from '../shared/errors.ts';
import { hasUnlikeNumber, parseExactly } from '../shared/exact-json.ts';
import type { HeldBytes } from '../shared/fair-bytes.ts';
import {
  endingsInWords,
  type FormatName,
  formatNamed,
  formatOfFile,
  formatOfMediaType,
  formats,
} from '../shared/formats.ts';
import { ownerOf } from './access/owner.ts';
import { check } from './check.ts';
import { jsonTextOf, rawBodyOf } from './middleware/json-body.ts';
import { openUpload } from './multipart.ts';
import { requestHash } from './request-hash.ts';

export type BatchBody = {
  model: string | undefined;
  longText: LongText;
  options: BatchOptions;
} & ({ items: ItemSource } | { reference: Pick<ReferencePosting, 'input' | 'output' | 'reading' | 'bodyHash'> });

const uploadedFormats = formats.filter(({ isRead }) => isRead);
/** JSON is not included: a body with `items` and options is parsed as a whole. */
export const streamedFormats = uploadedFormats.filter(({ name }) => name !== 'json');

/** Returns the format of a streamed body, or undefined for a JSON document. */
export function streamFormat(request: Request): FormatName | 'upload' | undefined {
  const type = request.get('content-type') ?? '';
  if (/^\s*multipart\/form-data\s*(;|$)/i.test(type)) return 'upload';
  const format = formatOfMediaType(type);
  return format && streamedFormats.includes(format) ? format.name : undefined;
}

const hasFailureBudget = ({ failureBudgetCount: count, failureBudgetShare: share }: BatchQuery): boolean =>
  count !== undefined || share !== undefined;

const optionsOfQuery = (query: BatchQuery): BatchOptions => ({
  name: query.name,
  tags: query.tags,
  priority: query.priority,
  budgetCount: query.failureBudgetCount,
  budgetShare: query.failureBudgetShare,
  budgetAfter: query.failureBudgetAfter ?? (hasFailureBudget(query) ? budgetAfter : undefined),
  webhookUrl: query.webhook,
  embeddings: query.embeddings,
  embeddingPrecision: query.embeddingPrecision,
  imagesFrom: query.imagesFrom,
});

/** Reads an array of items, or an object with `items` and options, which override those of the query. */
export function readDocument(request: Request, query: BatchQuery, strictness: Strictness): BatchBody {
  if (Array.isArray(request.body)) return readArray(request, query, strictness);
  const isReference = typeof request.body === 'object' && request.body !== null && 'input' in request.body;
  const envelope = isReference
    ? check(referenceEnvelope, request.body, 'body')
    : check(batchEnvelope, request.body, 'body');
  const { name, tags, model, longText, priority, failureBudget, webhook } = envelope;
  const { embeddings, embeddingPrecision, imagesFrom } = envelope;
  const options = {
    ...optionsOfQuery(query),
    ...(name !== undefined && { name }),
    ...(tags !== undefined && { tags }),
    ...(priority !== 0 && { priority }),
    ...(webhook !== undefined && { webhookUrl: webhook.url }),
    ...(embeddings !== undefined && { embeddings }),
    ...(embeddingPrecision !== undefined && { embeddingPrecision }),
    ...(imagesFrom !== undefined && { imagesFrom }),
    ...(failureBudget !== undefined && {
      budgetCount: failureBudget.count,
      budgetShare: failureBudget.share,
      budgetAfter: failureBudget.after,
    }),
  };
  const common = { model: model ?? query.model, longText: longText ?? query.longText, options };
  if ('items' in envelope) {
    const items = (exactDocument(request) as { items: unknown[] } | undefined)?.items ?? envelope.items;
    return { ...common, items: itemsOf(request, query, items, strictness) };
  }
  const { input, output, columns, delimiter, tables, keep } = envelope;
  const encoding = declaredEncoding(envelope.encoding ?? query.encoding);
  const { image = query.image, text = query.text, id = query.id } = columns ?? {};
  const reading = { columns: { image, text, id }, delimiter, strictness, encoding };
  const named = { ...common, options: { ...options, tables, keep, name: options.name ?? nameOfFile(input) } };
  return { ...named, reference: { input, output, reading, bodyHash: hashOf(request, query) } };
}

function readArray(request: Request, query: BatchQuery, strictness: Strictness): BatchBody {
  const { items } = check(batchEnvelope, { items: request.body }, 'body');
  const { model, longText } = query;
  const exact = exactDocument(request) as unknown[] | undefined;
  return {
    ...{ model, longText, options: withColumnsOfQuery(query) },
    items: itemsOf(request, query, exact ?? items, strictness),
  };
}

const hashOf = (request: Request, query: BatchQuery) => () =>
  requestHash(createHash('sha256').update(rawBodyOf(request)).digest('hex'), query);

function itemsOf(request: Request, query: BatchQuery, items: readonly unknown[], strictness: Strictness): ItemSource {
  const sent = rawBodyOf(request).length;
  const bounded = boundBadItems(itemsOfList(items, strictness), () => sent);
  return withFacts(bounded, () => ({ bodyHash: hashOf(request, query) }));
}

/**
 * Parses the document again, keeping all digits of numbers that JavaScript cannot represent. Returns undefined without
 * such numbers.
 */
function exactDocument(request: Request): unknown {
  const text = jsonTextOf(request);
  return hasUnlikeNumber(text) ? parseExactly(text) : undefined;
}

/** Returns the options of the query and the column names, which clients that convert tables to JSON put there. */
const withColumnsOfQuery = (query: BatchQuery): BatchOptions => ({
  ...optionsOfQuery(query),
  ...(query.columns !== undefined && { columns: query.columns, columnNames: columnsOf(query) }),
});

/**
 * Reads the items of a streamed body or uploaded file. Text formats may be compressed with gzip. Formats such as Parquet
 * can be read only after the whole file has arrived.
 * @param pending the memory limit for incomplete lines, which all requests share.
 * @param signal stops reading.
 */
export async function readStream(
  request: Request,
  from: FormatName | 'upload',
  query: BatchQuery,
  strictness: Strictness,
  pending: HeldBytes,
  signal: AbortSignal,
): Promise<BatchBody> {
  const contentEncoding = request.get('content-encoding')?.toLowerCase() ?? 'identity';
  if (!['identity', 'gzip', 'x-gzip'].includes(contentEncoding)) {
    throw new ServiceError(
      'request.unsupported_media_type',
      `The content encoding ${contentEncoding} is not supported; send gzip or no encoding`,
    );
  }
  let contentType = request.get('content-type');
  let source: Readable = request;
  let name = from;
  let uploadedName: string | undefined;
  if (name === 'upload') {
    const upload = await openUpload(request);
    source = upload.stream;
    contentType = upload.contentType;
    name = formatOfUpload(upload.filename, upload.type);
    uploadedName = nameOfFile(upload.filename);
  }
  const encoding = declaredEncoding(query.encoding, contentType);
  const format = formatNamed(name);
  if (format.hasColumns && query.columns !== undefined) {
    throw invalid('columns', `${format.label} contains its own column names; leave out this parameter`);
  }
  const options = { ...withColumnsOfQuery(query), name: query.name ?? uploadedName };
  const { bytes, sent, hash } = readBody(source);
  const { model, longText, delimiter } = query;
  const read = { columns: columnsOf(query), model, delimiter, strictness, encoding, sent, pending };
  const file = readItems(name, bytes, { ...read, owner: ownerOf(request), signal });
  const items = releasing(boundBadItems(file.items, sent), pending.release);
  const facts = () => ({ header: file.header(), bodyHash: () => requestHash(hash(), query) });
  return { model, longText, options, items: withFacts(items, facts) };
}

/** Returns the last segment of a path, which becomes the name of the batch. */
function nameOfFile(path: string): string | undefined {
  const name = path.split(/[/\\]/).at(-1)?.trim().slice(0, maxNameLength);
  return name || undefined;
}

const columnsOf = ({ image, text, id }: BatchQuery): ColumnNames => ({ image, text, id });

const invalid = (path: string, message: string): ServiceError =>
  new ServiceError('request.invalid', `${path}: ${message}`, { faults: [{ path, message }] });

/**
 * Returns the format by the ending of the file name, else by the media type: browsers and curl seldom know the media
 * types of these formats.
 */
function formatOfUpload(filename: string, type: string): FormatName {
  const format = formatOfFile(filename)?.format ?? formatOfMediaType(type);
  if (format && uploadedFormats.includes(format)) return format.name;
  const endings = endingsInWords(uploadedFormats);
  throw new ServiceError(
    'request.unsupported_media_type',
    `The name of the upload ${filename.slice(0, 100)} does not end in ${endings}, and content type ${type} is not supported`,
  );
}
