import { randomUUID } from 'node:crypto';
import type { Embedded } from '../models/encoder/protocol.ts';
import type { ModelSpec } from '../models/model.ts';
import type { EmbeddingInput, EmbeddingsRequest, EmbeddingsResponse } from '../shared/contracts/embeddings.ts';
import { pairsOf, type ScoreInput, type ScoreRequest, type ScoreResponse } from '../shared/contracts/score.ts';
import { ServiceError } from '../shared/errors.ts';
import { cosineOfPair } from './compare.ts';
import type { Embeddable } from './embed-inputs.ts';

/** Embeds the inputs of one request, in their order. */
export type EmbedInputs = (inputs: readonly Embeddable[]) => Promise<Embedded[]>;

/**
 * Embeds the inputs of a request of OpenAI's embeddings API. The returned function creates the response, which takes
 * more memory than the embeddings.
 * @throws {ServiceError} `request.invalid` for a number of dimensions that the model does not have; the errors of
 * `embed`.
 */
export async function answerEmbeddings(
  spec: ModelSpec,
  { input, dimensions, encoding_format }: EmbeddingsRequest,
  embed: EmbedInputs,
): Promise<() => EmbeddingsResponse> {
  if (dimensions !== undefined && dimensions !== spec.dimensions) {
    throw invalid(
      'dimensions',
      `${spec.model} has ${spec.dimensions} dimensions and cannot shorten embeddings; leave out this field`,
    );
  }
  const embedded = await embed((Array.isArray(input) ? input : [input]).map(toEmbeddable));
  const tokens = tokensOf(embedded);
  return () => ({
    object: 'list',
    data: embedded.map(({ embedding }, index) => ({
      object: 'embedding',
      index,
      embedding: encoding_format === 'base64' ? toBase64(embedding) : [...embedding],
    })),
    model: spec.model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  });
}

/**
 * Answers a request of vLLM's score API with the cosines of its pairs. An input of several pairs is embedded once.
 * @throws {ServiceError} `request.invalid` when the two lists cannot be combined into pairs; the errors of `embed`.
 */
export async function answerScore(spec: ModelSpec, request: ScoreRequest, embed: EmbedInputs): Promise<ScoreResponse> {
  const pairs = pairsOf(request);
  if ('message' in pairs) throw invalid(pairs.path, pairs.message);
  const { left, right } = pairs;
  const places = new Map<string, number>();
  const inputs: ScoreInput[] = [];
  const placeOf = (input: ScoreInput): number => {
    const key = JSON.stringify(input);
    const place = places.get(key) ?? inputs.push(input) - 1;
    places.set(key, place);
    return place;
  };
  const placed = left.map((input, at) => [placeOf(input), placeOf(right[at] as ScoreInput)] as const);
  const embedded = await embed(inputs);
  const tokens = tokensOf(embedded);
  return {
    id: `score-${randomUUID()}`,
    object: 'list',
    created: Math.floor(Date.now() / 1000),
    model: spec.model,
    data: placed.map(([one, other], index) => ({
      index,
      object: 'score',
      score: cosineOfPair(embedded[one] as Embedded, embedded[other] as Embedded),
    })),
    usage: { prompt_tokens: tokens, total_tokens: tokens, completion_tokens: 0 },
  };
}

const invalid = (path: string, message: string): ServiceError =>
  new ServiceError('request.invalid', `${path}: ${message}`, { faults: [{ path, message }] });

const toEmbeddable = (input: EmbeddingInput): Embeddable => (typeof input === 'string' ? { text: input } : input);

const tokensOf = (embedded: readonly Embedded[]): number => embedded.reduce((sum, { tokens }) => sum + tokens, 0);

/** Encodes an embedding as base64 of little-endian float32 numbers, on machines of any byte order. */
function toBase64(embedding: Float32Array): string {
  const bytes = Buffer.alloc(4 * embedding.length);
  for (const [at, value] of embedding.entries()) bytes.writeFloatLE(value, 4 * at);
  return bytes.toString('base64');
}
