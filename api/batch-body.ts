import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Request } from 'express';
import { boundBadItems } from '../batches/intake/bad-items.ts';
import type { ReferencePosting } from '../batches/intake/posting.ts';
import type { BatchOptions } from '../batches/store/record.ts';
import { readBody } from '../formats/body.ts';
import type { CsvColumns } from '../formats/delimited/columns.ts';
import { itemsOfCsv } from '../formats/delimited/reader.ts';
import { type ItemStream, itemsOfList, type Strictness } from '../formats/items.ts';
import { type Format, formatOfName } from '../formats/names.ts';
import { itemsOfNdjson } from '../formats/ndjson.ts';
import { declaredEncoding } from '../formats/text.ts';
import { type BatchQuery, batchEnvelope, budgetAfter, referenceEnvelope } from '../shared/contracts/batch.ts';
import type { LongText } from '../shared/contracts/item.ts';
import { ServiceError } from '../shared/errors.ts';
import { hasUnlikeNumber, parseExactly } from '../shared/exact-json.ts';
import { check } from './check.ts';
import { jsonTextOf, rawBodyOf } from './middleware/json-body.ts';
import { openUpload } from './multipart.ts';

/** A posted batch, in any format. */
export type BatchBody = {
  model: string | undefined;
  longText: LongText;
  /** What stands in the body is filled in while its items are read. */
  options: BatchOptions;
  /** SHA-256 of the decoded body, once its items have been read. */
  hash: () => string;
} & ({ items: ItemStream } | { reference: Pick<ReferencePosting, 'input' | 'output' | 'reading'> });

const formatsByType: Record<string, Format> = {
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'application/x-jsonlines': 'ndjson',
  'text/csv': 'csv',
  'application/csv': 'csv',
};

/** The form of a body that is streamed, or nothing when it is one JSON document. */
export function streamFormat(request: Request): Format | 'upload' | undefined {
  const type = (request.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return type === 'multipart/form-data' ? 'upload' : formatsByType[type];
}

const hasFailureBudget = ({ failureBudgetCount: count, failureBudgetShare: share }: BatchQuery): boolean =>
  count !== undefined || share !== undefined;

/** Returns the options of a batch that are in the query. */
const optionsOfQuery = (query: BatchQuery): BatchOptions => ({
  priority: query.priority,
  budgetCount: query.failureBudgetCount,
  budgetShare: query.failureBudgetShare,
  budgetAfter: query.failureBudgetAfter ?? (hasFailureBudget(query) ? budgetAfter : undefined),
  webhookUrl: query.webhook,
});

/** Reads a JSON document. Its options go before those of the query. */
export function readEnvelope(request: Request, query: BatchQuery, strictness: Strictness): BatchBody {
  const isReference = typeof request.body === 'object' && request.body !== null && 'input' in request.body;
  const envelope = isReference
    ? check(referenceEnvelope, request.body, 'body')
    : check(batchEnvelope, request.body, 'body');
  const { model, longText, priority, failureBudget, webhook } = envelope;
  const options = optionsOfQuery(query);
  if (priority !== 0) options.priority = priority;
  if (webhook !== undefined) options.webhookUrl = webhook.url;
  if (failureBudget !== undefined) {
    const { count, share, after } = failureBudget;
    Object.assign(options, { budgetCount: count, budgetShare: share, budgetAfter: after });
  }
  const hash = () => createHash('sha256').update(rawBodyOf(request)).digest('hex');
  const common = { model: model ?? query.model, longText: longText ?? query.longText, options, hash };
  if ('items' in envelope) {
    const sent = rawBodyOf(request).length;
    const items = exactItemsOf(request) ?? envelope.items;
    return { ...common, items: boundBadItems(itemsOfList(items, strictness), () => sent) };
  }
  const { input, output, columns, delimiter } = envelope;
  const encoding = declaredEncoding(envelope.encoding ?? query.encoding);
  const { image = query.image, text = query.text, id = query.id } = columns ?? {};
  const reading = { columns: { image, text, id }, delimiter, strictness, encoding };
  return { ...common, reference: { input, output, reading } };
}

/** Returns the items with their exact numbers; undefined when JSON.parse changes no number of the body. */
function exactItemsOf(request: Request): unknown[] | undefined {
  const text = jsonTextOf(request);
  return hasUnlikeNumber(text) ? (parseExactly(text) as { items: unknown[] }).items : undefined;
}

/** Reads NDJSON or CSV, plain or gzip, as the body or as the file of a form. */
export async function readStream(
  request: Request,
  format: Format | 'upload',
  query: BatchQuery,
  strictness: Strictness,
): Promise<BatchBody> {
  const encoding = request.get('content-encoding')?.toLowerCase() ?? 'identity';
  if (!['identity', 'gzip', 'x-gzip'].includes(encoding)) {
    throw new ServiceError(
      'request.unsupported_media_type',
      `The content encoding ${encoding} is not supported; gzip is`,
    );
  }
  const options = optionsOfQuery(query);
  let contentType = request.get('content-type');
  let source: Readable = request;
  let form = format;
  if (form === 'upload') {
    const upload = await openUpload(request);
    source = upload.stream;
    contentType = upload.contentType;
    form = formatOfUpload(upload.filename, upload.type);
  }
  const charset = declaredEncoding(query.encoding, contentType);
  const body = readBody(source);
  const { model, longText } = query;
  const bounded = (items: ItemStream) => ({
    model,
    longText,
    options,
    items: boundBadItems(items, body.sent),
    hash: body.hash,
  });
  if (query.columns !== undefined) {
    if (form === 'csv') throw invalid('columns', 'the header of CSV names the columns');
    Object.assign(options, { columns: query.columns, columnNames: columnsOf(query) });
  }
  if (form === 'ndjson') return bounded(itemsOfNdjson(body.bytes, strictness, { encoding: charset }));
  const columns = columnsOf(query);
  const onHeader = (header: string[], found: CsvColumns) => {
    options.columns = header;
    options.columnNames = found;
  };
  const { delimiter } = query;
  const { sent } = body;
  return bounded(itemsOfCsv(body.bytes, { columns, delimiter, strictness, encoding: charset, sent, onHeader }));
}

const columnsOf = ({ image, text, id }: BatchQuery): CsvColumns => ({ image, text, id });

const invalid = (path: string, message: string): ServiceError =>
  new ServiceError('request.invalid', `${path}: ${message}`, { faults: [{ path, message }] });

/** Returns the format by the file name, because browsers and curl seldom know these types; `.gz` is ignored. */
function formatOfUpload(filename: string, type: string): Format {
  const known = formatOfName(filename)?.format ?? formatsByType[type.toLowerCase()];
  if (known !== undefined) return known;
  throw new ServiceError(
    'request.unsupported_media_type',
    `The upload ${filename.slice(0, 100)} is neither .csv nor .ndjson, and its content type ${type} names neither format`,
  );
}
