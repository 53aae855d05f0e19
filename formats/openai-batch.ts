import type { z } from 'zod';
import { embeddingsRequest, maxInputs } from '../shared/contracts/embeddings.ts';
import { maxIdLength } from '../shared/contracts/item.ts';
import type { LineEndpoint } from '../shared/contracts/requests.ts';
import { pairsOf, scoreRequest } from '../shared/contracts/score.ts';
import { itemError } from '../shared/errors.ts';
import { longListIn } from '../shared/long-lists.ts';
import type { ReadOptions } from './format.ts';
import type { ReadItem } from './items.ts';
import { createJsonValues, type JsonItems } from './json-item.ts';
import { itemsOfLines } from './ndjson.ts';
import { openAiLine } from './openai-line.ts';
import { decodeText } from './text.ts';

const bodies: Record<LineEndpoint, z.ZodType> = {
  '/v1/embeddings': embeddingsRequest,
  '/v1/score': scoreRequest.superRefine((request, context) => {
    const pairs = pairsOf(request);
    if ('message' in pairs) context.addIssue({ code: 'custom', path: [pairs.path], message: pairs.message });
  }),
};

/** The values that all lines of an OpenAI batch file must share. */
export interface RequestFile {
  endpoint: LineEndpoint;
  /** The profile or model that the first line names. Undefined means the default model. */
  model: string | undefined;
}

/**
 * Reads the JSONL file of an OpenAI batch. A line fails if it is not a request, or if its endpoint or model differs
 * from the first line.
 */
export function requestsOf(
  bytes: AsyncIterable<Buffer>,
  file: RequestFile,
  options: ReadOptions,
): AsyncGenerator<ReadItem[]> {
  const text = decodeText(bytes);
  return itemsOfLines(text, options, createRequestItems(file, options, text.encoding));
}

/** Returns the model that a line names, or undefined if it names none or is not a request. */
export function modelOfLine(text: string): string | undefined {
  try {
    const { body } = JSON.parse(text) as { body?: { model?: unknown } };
    return typeof body?.model === 'string' ? body.model : undefined;
  } catch {
    return undefined;
  }
}

function createRequestItems({ endpoint, model }: RequestFile, options: ReadOptions, encoding: () => string): JsonItems {
  return createJsonValues(options, encoding, (raw, where) => {
    const id = idOf(raw);
    const refuse = (message: string): ReadItem => ({
      ...(id !== undefined && { id }),
      error: itemError('item.invalid', `${where}: ${message}`),
    });
    const parsed = openAiLine.safeParse(raw);
    if (!parsed.success) return refuse(faultsOf(parsed.error, ''));
    const { custom_id, url, body } = parsed.data;
    if (url !== endpoint) return refuse(`url: is ${url.slice(0, 100)}, but the batch is for ${endpoint}`);
    if ((body['model'] ?? undefined) !== model) {
      return refuse(
        `body.model: all lines must name the same model; ${model === undefined ? 'the first line names none' : `the first line names ${model}`}`,
      );
    }
    const long = longListIn(body, maxInputs);
    if (long !== undefined) {
      return refuse(`body.${long.path}: has ${long.length} entries; at most ${maxInputs} are allowed`);
    }
    const checked = bodies[endpoint].safeParse(body);
    if (!checked.success) return refuse(faultsOf(checked.error, 'body'));
    return { id: custom_id, image: '', text: '', request: { url: endpoint, body } };
  });
}

const faultsOf = ({ issues }: z.ZodError, prefix: string): string =>
  issues
    .slice(0, 3)
    .map(({ path, message }) => `${[prefix, ...path].filter((step) => step !== '').join('.') || 'line'}: ${message}`)
    .join('; ');

/** Returns the `custom_id` of a rejected line, or undefined if it is unreadable. */
function idOf(raw: unknown): string | undefined {
  const id = typeof raw === 'object' && raw !== null && 'custom_id' in raw ? raw.custom_id : undefined;
  return typeof id === 'string' && id.length <= maxIdLength ? id.toWellFormed() : undefined;
}
