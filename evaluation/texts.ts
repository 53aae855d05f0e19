import type { Embedded } from '../models/encoder/protocol.ts';
import type { ModelSpec } from '../models/model.ts';
import { type LongText, maxTextLength } from '../shared/contracts/item.ts';
import { ServiceError } from '../shared/errors.ts';

/** @throws {ServiceError} `text.empty`, `text.too_long` */
export function checkText(text: string, name = 'The text'): void {
  if (text.trim() === '') throw new ServiceError('text.empty', `${name} is empty`);
  if (text.length > maxTextLength) {
    throw new ServiceError('text.too_long', `${name} has ${text.length} characters, more than ${maxTextLength}`);
  }
}

/**
 * @throws {ServiceError} `text.too_long` when the text has more tokens than the model reads and `longText` is `error`.
 */
export function checkTokens(
  { tokens, totalTokens }: Embedded,
  longText: LongText | undefined,
  { model }: ModelSpec,
  name = 'The text',
): void {
  if (longText !== 'error' || totalTokens <= tokens) return;
  throw new ServiceError(
    'text.too_long',
    `${name} has at least ${totalTokens} tokens, more than the ${tokens} that ${model} reads`,
  );
}

export const nameOf = (at: number, { length }: readonly unknown[]): string =>
  length === 1 ? 'The text' : `The text at index ${at}`;
