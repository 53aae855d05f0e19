import { rowFault } from '../../../../formats/delimited/faults.ts';
import { isObject, notObject, parseItem } from '../../../../formats/json-text.ts';
import { placedFault } from '../../../../formats/placed-fault.ts';
import { missing, notImageSource, notOfType } from '../../../../shared/validation-words.ts';
import type { ColumnMapping } from '../column-mapping.ts';
import type { JsonLine, Preview } from '../preview.ts';

type Mapping = Pick<ColumnMapping, 'image' | 'text'>;

/** Returns the error that each broken row will have in the batch, by its position in the preview. */
export function rowFaultsOf(
  { columns, read = [], lines = [] }: Pick<Preview, 'columns' | 'read' | 'lines'>,
  mapping: Mapping,
): ReadonlyMap<number, string> {
  const needed = 1 + Math.max(columns.indexOf(mapping.image), columns.indexOf(mapping.text));
  const faults = [
    ...read.map((row) => ({ line: row.line, fault: rowFault(row, columns.length, needed) })),
    ...lines.map((each) => ({ line: each.line, fault: lineFault(each, mapping) })),
  ];
  return new Map(
    faults.flatMap(({ line, fault }, at) => (fault === undefined ? [] : [[at, placedFault(`line ${line}`, fault)]])),
  );
}

/** Returns the fault of a line of NDJSON: of its JSON, its image or its text. The service alone finds other faults. */
function lineFault({ text: line }: JsonLine, { image, text }: Mapping): string | undefined {
  const parsed = parseItem(line.trim());
  if ('fault' in parsed) return parsed.fault;
  const { raw } = parsed;
  if (!isObject(raw)) return notObject(raw);
  const faultIn = (column: string, field: string, faultOf: (value: unknown) => string | undefined) => {
    const fault = column === '' ? undefined : faultOf(raw[column]);
    return fault === undefined ? [] : [`${field}: ${fault}`];
  };
  return [...faultIn(image, 'image', imageFault), ...faultIn(text, 'text', textFault)].join('; ') || undefined;
}

function imageFault(image: unknown): string | undefined {
  if (image === undefined) return missing;
  return isObject(image) || (typeof image === 'string' && image !== '') ? undefined : notImageSource;
}

function textFault(text: unknown): string | undefined {
  if (text === undefined) return missing;
  return typeof text === 'string' ? undefined : notOfType(text, 'a string');
}
