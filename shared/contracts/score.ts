import { z } from 'zod';
import { maxInputs } from './embeddings.ts';
import { imageSource, longText } from './item.ts';

// Named, because code generators give unnamed schemas in unions the same name and then drop them.
const imagePart = z
  .strictObject({
    type: z.literal('image_url'),
    image_url: z.object({ url: z.string().min(1) }).meta({ id: 'ScoreImageUrl' }),
    uuid: z.string().optional(),
  })
  .meta({ id: 'ScoreImagePart' });
const textPart = z.strictObject({ type: z.literal('text'), text: z.string() }).meta({ id: 'ScoreTextPart' });
const part = z.union([imagePart, textPart], {
  error: 'expected a part {type: "image_url", image_url: {url}} or {type: "text", text}',
});
const expected = `expected a string, {text}, {image}, {content: [parts]}, or a list of 1 to ${maxInputs} of them`;
const input = z.union(
  [
    z.string(),
    part,
    z.strictObject({ content: z.array(part).min(1).max(maxInputs) }).meta({ id: 'ScoreParts' }),
    z.strictObject({ text: z.string() }).meta({ id: 'ScoreText' }),
    z.strictObject({ image: imageSource }).meta({ id: 'ScoreImage' }),
  ],
  { error: expected },
);
const side = z
  .union([input, z.array(input, { error: expected }).min(1, expected).max(maxInputs, expected)], { error: expected })
  .meta({
    id: 'ScoreInputs',
    description:
      'A string or `{text}` is a text, `{image}` an image. `{content}` has a list of parts, each of which is an input, as in vLLM. Within a list of inputs, `{content}` may have one part only.',
  });

const sides = [
  ['queries', 'documents'],
  ['queries', 'items'],
  ['text_1', 'text_2'],
  ['data_1', 'data_2'],
] as const;
const sidesInWords = sides.map((names) => names.join(' and ')).join(', or ');

/** The request of vLLM's score API. */
export const scoreRequest = z
  .strictObject({
    model: z.string().min(1).max(256).nullish().meta({ description: 'A profile or a model name.', example: 'compact' }),
    queries: side.optional(),
    documents: side.optional(),
    items: side.optional(),
    text_1: side.optional(),
    text_2: side.optional(),
    data_1: side.optional(),
    data_2: side.optional(),
    longText,
    truncate_prompt_tokens: z.literal(-1).nullish().meta({
      description: 'Accepted for compatibility and ignored: `longText` decides whether long texts are truncated.',
    }),
    user: z.string().nullish().meta({ description: 'Accepted for compatibility; not used.' }),
  })
  .meta({ id: 'ScoreRequest', description: `The two sides of the pairs: ${sidesInWords}.` });
export type ScoreRequest = z.output<typeof scoreRequest>;
export type ScoreInput = { text: string } | { image: z.output<typeof imageSource> };

export interface SidesFault {
  path: string;
  message: string;
}

/** Returns the two sides of a score request as lists of equal length, or the error in them. */
export function pairsOf(request: ScoreRequest): { left: ScoreInput[]; right: ScoreInput[] } | SidesFault {
  const given = sides.flat().filter((name) => request[name] !== undefined);
  const names = sides.find((pair) => given.length > 0 && pair.every((name) => given.includes(name)));
  if (names === undefined || new Set(given).size > 2) {
    return { path: 'queries', message: `a request needs exactly two sides: ${sidesInWords}` };
  }
  const read = names.map((name) => inputsOf(request[name] ?? []));
  const [left = [], right = []] = read;
  const mixed = read.findIndex((inputs) => inputs.includes(undefined));
  if (mixed >= 0) return { path: names[mixed] ?? '', message: 'an entry of a list must have exactly one part' };
  if (left.length !== 1 && left.length !== right.length) {
    const message = `${left.length} and ${right.length} inputs cannot be paired: the lengths must be 1:1, 1:N or N:N`;
    return { path: names[0], message };
  }
  const repeated = left.length === right.length ? left : right.map(() => left[0]);
  return { left: repeated as ScoreInput[], right: right as ScoreInput[] };
}

type Side = z.output<typeof side>;
type Input = z.output<typeof input>;

/** Returns the inputs of a side. An entry with several parts, which is not allowed, becomes undefined. */
function inputsOf(given: Side): (ScoreInput | undefined)[] {
  if (!Array.isArray(given)) {
    return typeof given === 'object' && 'content' in given ? given.content.map(toInput) : [toInput(given)];
  }
  return given.map(toInput);
}

function toInput(given: Input): ScoreInput | undefined {
  if (typeof given === 'string') return { text: given };
  if ('content' in given) return given.content.length === 1 && given.content[0] ? toInput(given.content[0]) : undefined;
  if ('image_url' in given) return { image: given.image_url.url };
  return 'image' in given ? { image: given.image } : { text: given.text };
}

export const scoreResponse = z
  .object({
    id: z.string(),
    object: z.literal('list'),
    created: z.int().meta({ description: 'In seconds since 1970.' }),
    model: z.string(),
    data: z.array(
      z.object({
        index: z.int().min(0),
        object: z.literal('score'),
        score: z
          .number()
          .min(-1)
          .max(1)
          .meta({ description: 'The cosine of the two embeddings, as vLLM computes it for embedding models.' }),
      }),
    ),
    usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int(), completion_tokens: z.literal(0) }),
  })
  .meta({ id: 'ScoreResponse' });
export type ScoreResponse = z.output<typeof scoreResponse>;
