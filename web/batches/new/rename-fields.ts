import { formatNamed } from '../../../shared/formats.ts';
import type { ColumnMapping } from './column-mapping.ts';
import { type Preview, readObject } from './preview.ts';

const itemFields = new Set(['image', 'text', 'id', 'metadata']);

/**
 * Returns true for NDJSON whose field names differ from those of the API. The service itself maps the columns of CSV.
 */
export function needsRenaming(preview: Pick<Preview, 'format' | 'columns'>, mapping: ColumnMapping): boolean {
  if (formatNamed(preview.format).hasColumns) return false;
  const isMapped = mapping.image === 'image' && mapping.text === 'text';
  const isIdMapped = mapping.id === 'id' || (mapping.id === '' && !preview.columns.includes('id'));
  return !isMapped || !isIdMapped || preview.columns.some((column) => !itemFields.has(column));
}

export const renameLines = (mapping: ColumnMapping): TransformStream<string, string> =>
  byLines((line) => renameFields(line, mapping));

function byLines(change: (line: string) => string): TransformStream<string, string> {
  let rest = '';
  return new TransformStream({
    transform(text, controller) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      if (lines.length > 0) controller.enqueue(`${lines.map(change).join('\n')}\n`);
    },
    flush(controller) {
      if (rest !== '') controller.enqueue(change(rest));
    },
  });
}

/** Renames the fields of a line. The service fails a line that is not an object, so it stays unchanged. */
function renameFields(line: string, mapping: ColumnMapping): string {
  const item = readObject(line);
  if (item === undefined) return line;
  const { [mapping.image]: image, [mapping.text]: text, ...others } = item;
  const id = mapping.id === '' ? undefined : others[mapping.id];
  if (mapping.id !== '') delete others[mapping.id];
  const { metadata, ...rest } = others;
  const isPlain = typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata);
  const kept = isPlain ? { ...metadata, ...rest } : others;
  return JSON.stringify({
    image,
    text,
    ...(id !== undefined && id !== null && { id: typeof id === 'string' ? id : JSON.stringify(id) }),
    ...(Object.keys(kept).length > 0 && { metadata: kept }),
  });
}
