import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import { formatNamed } from '../../../shared/formats.ts';
import { apiUrl, failureOf, RequestFailed } from '../../http/client.ts';
import { maxNameLength, tagsIn } from '../name-change.ts';
import type { ColumnMapping } from './column-mapping.ts';
import { nameOfEncoding } from './encoding.ts';
import type { Preview } from './preview.ts';
import { needsRenaming, renameLines } from './rename-fields.ts';

export interface Upload {
  file: File;
  preview: Pick<Preview, 'format' | 'delimiter' | 'encoding' | 'gzipped' | 'columns'>;
  mapping: ColumnMapping;
  /** Empty for the default model. */
  model: string;
  /** The share of failed items above which the service stops the batch; undefined for no limit. */
  failureShare: number | undefined;
  /** All attempts with this file share the key, so that only one of them creates a batch. */
  idempotencyKey: string;
  /** If empty, the batch gets the name of the file. */
  name: string;
  /** Tags, separated by commas. */
  tags: string;
}

export interface UploadProgress {
  stage: 'preparing' | 'sending' | 'storing';
  /** The processed share of the bytes of this stage, from 0 to 1. */
  share: number;
}

/**
 * Posts a file as a batch. The browser sends it from disk, without reading it into memory.
 * @throws {RequestFailed}
 */
export async function uploadBatch(
  upload: Upload,
  onProgress: (progress: UploadProgress) => void,
  signal: AbortSignal,
): Promise<BatchStatus> {
  if (!needsRenaming(upload.preview, upload.mapping)) return await send(upload, upload.file, onProgress, signal);
  const body = await renamed(upload, onProgress, signal);
  signal.throwIfAborted();
  return await send({ ...upload, preview: { ...upload.preview, encoding: 'utf-8' } }, body, onProgress, signal);
}

const brokenOff =
  'The upload was interrupted. Start it again. If the service has already received the whole file, the page opens that batch.';

/** Uses XMLHttpRequest, because `fetch` does not report the progress of a body. */
function send(
  { file, preview, mapping, model, failureShare, idempotencyKey, name, tags }: Upload,
  body: Blob,
  onProgress: (progress: UploadProgress) => void,
  signal: AbortSignal,
): Promise<BatchStatus> {
  const query = new URLSearchParams();
  if (model !== '') query.set('model', model);
  if (failureShare !== undefined) query.set('failureBudgetShare', String(failureShare));
  const named = (name.trim() || file.name.trim()).slice(0, maxNameLength);
  if (named !== '') query.set('name', named);
  const words = tagsIn(tags);
  if (words.length > 0) query.set('tags', words.join());
  const format = formatNamed(preview.format);
  if (format.hasColumns) {
    query.set('image', mapping.image);
    query.set('text', mapping.text);
    // Without this parameter, the service would use a column named `id` as the id. A space matches no column, because
    // names in a header are trimmed.
    query.set('id', mapping.id === '' ? ' ' : mapping.id);
    if (preview.delimiter !== '' && preview.delimiter !== ',') query.set('delimiter', preview.delimiter);
  }
  const contentType = `${format.mediaTypes[0]}${format.isText ? `; charset=${preview.encoding}` : ''}`;
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', apiUrl(`v1/evaluation/batch?${query}`));
    request.setRequestHeader('content-type', contentType);
    request.setRequestHeader('idempotency-key', idempotencyKey);
    request.upload.onprogress = ({ loaded, total }) => onProgress({ stage: 'sending', share: loaded / total });
    request.upload.onload = () => onProgress({ stage: 'storing', share: 1 });
    request.onload = () => {
      if (request.status === 202) resolve(JSON.parse(request.responseText));
      else reject(failureOf(request.status, request.responseText));
    };
    request.onerror = () => reject(new RequestFailed(0, 'The connection broke', brokenOff));
    signal.addEventListener('abort', () => {
      request.abort();
      reject(signal.reason);
    });
    request.send(body);
  });
}

/**
 * Renames the fields of an NDJSON file in memory, because browsers cannot send a stream over HTTP/1.1. Compression
 * leaves about a tenth of its size.
 */
async function renamed(
  { file, preview, mapping }: Upload,
  onProgress: (progress: UploadProgress) => void,
  signal: AbortSignal,
): Promise<Blob> {
  let read = 0;
  const counted = file.stream().pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(part, controller) {
        read += part.length;
        onProgress({ stage: 'preparing', share: read / file.size });
        controller.enqueue(part);
      },
    }),
    { signal },
  );
  const bytes = preview.gzipped ? counted.pipeThrough(new DecompressionStream('gzip')) : counted;
  // With `fatal`, invalid bytes cause an error instead of becoming other text.
  const decoder = new TextDecoderStream(preview.encoding, { fatal: true });
  const lines = bytes.pipeThrough(decoder).pipeThrough(renameLines(mapping));
  const packed = lines.pipeThrough(new TextEncoderStream()).pipeThrough(new CompressionStream('gzip'));
  return await new Response(packed).blob().catch((error: unknown) => {
    if (signal.aborted || !(error instanceof TypeError)) throw error;
    const message = `Some bytes of the file are not valid ${nameOfEncoding(preview.encoding)}. Choose the right encoding.`;
    throw new RequestFailed(0, 'The file cannot be read', message);
  });
}
