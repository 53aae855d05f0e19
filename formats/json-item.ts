import type { ColumnNames, ReadOptions } from './format.ts';
import { badItem, type ItemFault, type ReadItem, toReadItem } from './items.ts';
import { parseItem } from './json-text.ts';
import { isOpenAiLine, itemOfOpenAiLine } from './openai-line.ts';
import { undecodable } from './text.ts';

/** The maximum length of an item's JSON in characters: an inline image of 20 MB in base64, text and metadata. */
export const maxItemLength = 32 * 1024 * 1024;

export interface JsonItems {
  /** Reads an item. @param where its position for messages, such as `line 7` or `items[3]`. */
  read(text: string, where: string): ReadItem;
  /** Returns a failed item for one longer than {@link maxItemLength}. */
  tooLong(where: string): ReadItem;
}

/**
 * Creates a reader of JSON items and of lines of OpenAI batches.
 * @param encoding returns the file's encoding, for error messages.
 */
export function createJsonItems(options: ReadOptions, encoding: () => string): JsonItems {
  const { strictness, fields } = options;
  return createJsonValues(options, encoding, (raw, where) =>
    isOpenAiLine(raw)
      ? itemOfOpenAiLine(raw, where, options)
      : toReadItem(fields === undefined ? raw : renameFields(raw, fields), where, strictness),
  );
}

export function createJsonValues(
  { strictness }: Pick<ReadOptions, 'strictness'>,
  encoding: () => string,
  toItem: (raw: unknown, where: string) => ReadItem,
): JsonItems {
  const bad = (message: string, where: string, code?: ItemFault) =>
    badItem([{ path: '', message }], where, strictness, {}, code);
  return {
    read(text, where) {
      if (text === '') return bad('is empty', where);
      if (!text.isWellFormed()) return bad(undecodable(text, encoding()), where, 'item.encoding');
      const parsed = parseItem(text);
      return 'raw' in parsed ? toItem(parsed.raw, where) : bad(parsed.fault, where, parsed.code);
    },
    tooLong: (where) => bad(`longer than ${maxItemLength} characters`, where, 'item.too_large'),
  };
}

/** Renames the fields that the client named to `image`, `text` and `id`. All others become metadata. */
function renameFields(raw: unknown, names: ColumnNames): unknown {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return raw;
  const { [names.image]: image, [names.text]: text, [names.id]: id, ...metadata } = raw as Record<string, unknown>;
  return {
    ...(image !== undefined && { image }),
    ...(text !== undefined && { text }),
    ...(id !== undefined && { id }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  };
}
