import { type Bytes, toBuffer } from '../../../formats/bytes.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { codes } from '../../../shared/errors.ts';
import type { OutputPart } from './batch-shape.ts';

/** The outcome of the items in each output file. */
export const outcomeOf: Record<OutputPart, ItemResult['status']> = { output: 'answered', errors: 'failed' };

/** Converts NDJSON results to lines in OpenAI's format. Each input must end with a complete line. */
export const toOutputLines =
  (batchId: string) =>
  (part: Bytes): string =>
    toBuffer(part)
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => `${JSON.stringify(toOutputLine(batchId, JSON.parse(line) as ItemResult))}\n`)
      .join('');

function toOutputLine(batchId: string, result: ItemResult): object {
  const request_id = `${batchId}-${result.index}`;
  const common = { id: `batch_req_${request_id}`, custom_id: result.id ?? null };
  if (result.status === 'answered') {
    return { ...common, response: { status_code: 200, request_id, body: result.response }, error: null };
  }
  if (result.status !== 'failed') return { ...common, response: null, error: null };
  const { code, message } = result.error;
  const error = { message, type: 'invalid_request_error', param: null, code };
  return { ...common, response: { status_code: codes[code].status, request_id, body: { error } }, error: null };
}
