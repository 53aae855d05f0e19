import type { ItemResult } from '../../../shared/contracts/item.ts';
import { cellText } from './cell-text.ts';

/** Heights in px: of a tile without columns of the input, of one line, and of the space before the lines. */
const withoutColumns = 260;
const line = 20;
const space = 6;

export const tileHeight = (columns: number): number => withoutColumns + (columns === 0 ? 0 : space + columns * line);

/** Returns one line for each column of the input. Its value is empty if the pair has none. */
export const columnLines = (
  { metadata }: Pick<ItemResult, 'metadata'>,
  columns: readonly string[],
): { name: string; value: string }[] =>
  columns.map((name) => ({ name, value: cellText(metadata?.[name]).slice(0, 200) }));
