import { looksLikePath } from '../../../shared/image-paths.ts';
import { isPath } from '../../../shared/path-source.ts';
import { shellWord } from '../../../shared/shell-word.ts';
import * as numbers from '../../ui/numbers.ts';
import type { ColumnMapping } from './column-mapping.ts';
import type { Cell } from './files/cell.ts';
import type { Preview } from './preview.ts';

/** Returns the sentence about shown rows with local paths in place of images; undefined if there are none. */
export function localPathWords(
  { columns, rows }: Pick<Preview, 'columns' | 'rows'>,
  { image }: Pick<ColumnMapping, 'image'>,
): string | undefined {
  const at = columns.indexOf(image);
  const count = rows.filter((row) => isLocalPath(row[at] ?? '')).length;
  if (count === 0) return undefined;
  const which =
    count === rows.length
      ? 'The shown rows have local paths'
      : `${numbers.count(count)} of the ${numbers.count(rows.length)} shown rows ${count === 1 ? 'has a local path' : 'have local paths'}`;
  return `${which} in the column “${image}”. The service cannot read files of this computer.`;
}

/**
 * Returns the command that scores the file with the columns, the delimiter and the encoding that the form shows. A
 * browser does not know the folder of the file.
 */
export function batchCommand(
  file: string,
  { format, delimiter, encoding }: Pick<Preview, 'format' | 'delimiter' | 'encoding'>,
  mapping: ColumnMapping,
): string {
  const columns = (['image', 'text', 'id'] as const).flatMap((part) =>
    mapping[part] === '' || mapping[part].toLowerCase() === part ? [] : [`--${part}-column`, shellWord(mapping[part])],
  );
  const usual = format === 'tsv' ? '\t' : ',';
  const separator =
    delimiter === '' || delimiter === usual ? [] : ['--delimiter', delimiter === '\t' ? 'tab' : shellWord(delimiter)];
  // The command line recognises UTF-8 and UTF-16 itself.
  const coding = encoding === '' || encoding.startsWith('utf-') ? [] : ['--encoding', encoding];
  return ['vls batch', shellWord(`path/to/${file}`), ...columns, ...separator, ...coding].join(' ');
}

function isLocalPath(cell: Cell): boolean {
  if (typeof cell !== 'string') return false;
  const source = cell.trim();
  if (/^file:/i.test(source)) return true;
  if (/^[a-z][a-z0-9+.-]+:/i.test(source)) return false;
  // A word without a slash may be a text.
  if (source.includes('/') && isPath(source)) return true;
  // The base64 of a JPEG begins with a slash.
  if (/^[\w+/=-]+$/.test(source)) return false;
  // A path may have spaces.
  return looksLikePath(source) || looksLikePath(source.replaceAll(' ', '_'));
}
