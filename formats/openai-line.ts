import { z } from 'zod';
import { maxIdLength } from '../shared/contracts/item.ts';
import { pairsOf, scoreRequest } from '../shared/contracts/score.ts';
import type { RequestFault } from '../shared/errors.ts';
import type { ReadOptions } from './format.ts';
import { badItem, type ReadItem } from './items.ts';

export const openAiLine = z.strictObject({
  custom_id: z.string().min(1).max(maxIdLength),
  method: z.literal('POST'),
  url: z.string(),
  body: z.record(z.string(), z.unknown()),
});

/** Returns true for a line of an OpenAI batch, false for an item. */
export const isOpenAiLine = (raw: unknown): raw is Record<string, unknown> =>
  typeof raw === 'object' && raw !== null && 'custom_id' in raw && 'url' in raw && !('image' in raw);

/** The only endpoint whose lines are image-text pairs. */
const endpoint = '/v1/score';

/**
 * Reads a line of an OpenAI batch: a request to `/v1/score` with one image and one text. Its `custom_id` becomes the
 * id.
 * @throws {ServiceError} `request.invalid` for any other line if the strictness is `strict`. Otherwise the item fails.
 */
export function itemOfOpenAiLine(
  raw: Record<string, unknown>,
  where: string,
  { strictness, model }: Pick<ReadOptions, 'strictness' | 'model'>,
): ReadItem {
  const refuse = (path: string, message: string) => refuseAll([{ path, message }]);
  const refuseAll = (faults: readonly RequestFault[]) => badItem(faults, where, strictness, { id: raw['custom_id'] });
  const faultsOf = ({ issues }: z.ZodError, ...prefix: string[]): RequestFault[] =>
    issues.slice(0, 3).map(({ path, message }) => ({ path: [...prefix, ...path].join('.'), message }));

  const line = openAiLine.safeParse(raw);
  if (!line.success) return refuseAll(faultsOf(line.error));
  const { custom_id: id, url, body } = line.data;
  if (url !== endpoint) {
    return refuse(
      'url',
      `is ${url.slice(0, 100)}, but a batch of pairs accepts only lines for ${endpoint}; send lines for other endpoints to /v1/batches`,
    );
  }
  const request = scoreRequest.safeParse(body);
  if (!request.success) return refuseAll(faultsOf(request.error, 'body'));
  const asked = request.data.model ?? undefined;
  if (asked !== undefined && asked !== model) {
    const posted = model === undefined ? 'names no model' : `is posted for ${model}`;
    return refuse(
      'body.model',
      `is ${asked}, but the batch ${posted}; remove \`model\` from the line, and set the option \`model\` of the whole batch`,
    );
  }
  const pairs = pairsOf(request.data);
  if ('message' in pairs) return refuse(`body.${pairs.path}`, pairs.message);
  const [left, right] = [pairs.left[0], pairs.right[0]];
  if (pairs.right.length !== 1 || left === undefined || right === undefined) {
    return refuse('body', `has ${pairs.right.length} pairs; write one pair in each line`);
  }
  if ('image' in left && 'text' in right) return { id, image: left.image, text: right.text };
  if ('text' in left && 'image' in right) return { id, image: right.image, text: left.text };
  return refuse('body', `has two ${'image' in left ? 'images' : 'texts'}; a pair is an image and a text`);
}
