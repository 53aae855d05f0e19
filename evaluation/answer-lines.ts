import type { ModelSpec } from '../models/model.ts';
import { embeddingsRequest } from '../shared/contracts/embeddings.ts';
import type { LineRequest } from '../shared/contracts/requests.ts';
import { scoreRequest } from '../shared/contracts/score.ts';
import { type ItemError, toItemError } from '../shared/errors.ts';
import { answerEmbeddings, answerScore } from './answer-requests.ts';
import { embedInputs } from './embed-inputs.ts';
import type { EvaluationOptions, EvaluationParts } from './options.ts';
import { isProcessError } from './process-errors.ts';

/** The request in a line of an OpenAI batch, or the error of an unreadable line. */
export type Line = LineRequest | { error: ItemError };

export type LineOutcome =
  | { status: 'answered'; response: Record<string, unknown> }
  | { status: 'failed'; error: ItemError };

/**
 * Answers the requests of many lines concurrently, as batch work. A failed line does not stop the others.
 * @throws {ServiceError} `model.unavailable`, `overloaded`: errors of this process, which no single line has caused.
 * Throws the reason of the signal when it aborts.
 */
export async function answerLines(
  parts: EvaluationParts,
  spec: ModelSpec,
  lines: readonly Line[],
  options: EvaluationOptions = {},
): Promise<LineOutcome[]> {
  return await Promise.all(
    lines.map(async (line): Promise<LineOutcome> => {
      if ('error' in line) return { status: 'failed', error: line.error };
      try {
        return { status: 'answered', response: await answerLine(parts, spec, line, options) };
      } catch (error) {
        if (options.signal?.aborted) throw options.signal.reason;
        if (isProcessError(error)) throw error;
        return { status: 'failed', error: toItemError(error) };
      }
    }),
  );
}

async function answerLine(
  parts: EvaluationParts,
  spec: ModelSpec,
  { url, body }: LineRequest,
  options: EvaluationOptions,
): Promise<Record<string, unknown>> {
  if (url === '/v1/score') {
    const request = scoreRequest.parse(body);
    const asBatch = { ...options, longText: request.longText, isBatch: true };
    return { ...(await answerScore(spec, request, (inputs) => embedInputs(parts, spec, inputs, asBatch))) };
  }
  const request = embeddingsRequest.parse(body);
  const asBatch = { ...options, longText: request.longText, isBatch: true };
  const respond = await answerEmbeddings(spec, request, (inputs) => embedInputs(parts, spec, inputs, asBatch));
  const response = respond();
  const data = response.data.map((one) => ({ ...one, embedding: shortened(one.embedding) }));
  return { ...response, data };
}

/** Rounds to nine digits, which identify any float32. The seventeen digits of a double take twice as much memory. */
const shortened = (embedding: number[] | string): number[] | string =>
  typeof embedding === 'string' ? embedding : embedding.map((value) => Number(value.toPrecision(9)));
