import { formatNamed } from '../../../../shared/formats.ts';
import { looksLikeImage } from '../../../../shared/image-paths.ts';
import * as numbers from '../../../ui/numbers.ts';
import { nameOfEncoding } from '../encoding.ts';
import type { Preview } from '../preview.ts';
import { nameOfDelimiter } from './delimiters.ts';

export function describeFormat({ format, delimiter, encoding, gzipped, estimate, columns, rows }: Preview): string {
  const facts = [
    format === 'tar' ? 'Tar of images (WebDataset)' : formatNamed(format).label,
    delimiter === '' ? undefined : `separated by ${nameOfDelimiter(delimiter)}`,
    encoding === '' ? undefined : nameOfEncoding(encoding),
    gzipped ? 'gzipped' : undefined,
  ].filter((fact) => fact !== undefined);
  const size = [
    estimate === undefined
      ? undefined
      : `${estimate.exact ? '' : 'about '}${numbers.counted(estimate.rows, format === 'tar' ? 'pair' : 'row')}`,
    format === 'tar' ? undefined : numbers.counted(columns.length, 'column'),
  ].filter((fact) => fact !== undefined);
  return `${facts.join(', ')}${size.length === 0 ? '.' : `: ${size.join(', ')}.`}${rows.length === 0 ? '' : ' The first rows:'}`;
}

export function FormatNotices({ preview: { format, encoding, columns, unread } }: { preview: Preview }) {
  return (
    <>
      {encoding !== '' && !/^utf/.test(encoding) && (
        <p class="notice">
          Read as {nameOfEncoding(encoding)}. If accented letters look wrong below, choose another encoding.
        </p>
      )}
      {formatNamed(format).isText && formatNamed(format).hasColumns && columns.some(looksLikeImage) && (
        <p class="notice">The first row looks like an item. It will be read as the header row, which CSV must have.</p>
      )}
      {unread !== undefined && <p class="notice plain">{unread} They are read when the batch starts.</p>}
    </>
  );
}
