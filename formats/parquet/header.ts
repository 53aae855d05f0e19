import { type FileMetaData, parquetSchema } from 'hyparquet';
import { findColumns } from '../columns.ts';
import type { ColumnNames, Header } from '../format.ts';
import { typeOf } from './column-types.ts';

/** Returns the columns to read: image, text, id, and those with simple values other than bytes. */
export function headerOf(metadata: FileMetaData, asked: ColumnNames): Header {
  const { children } = parquetSchema(metadata);
  const found = children.map(({ element }) => element.name);
  const columns = findColumns(found, asked, 'Parquet file');
  const isText = ({ converted_type, logical_type }: (typeof children)[number]['element']) =>
    converted_type === 'UTF8' || logical_type !== undefined;
  const isBytes = (element: (typeof children)[number]['element']) =>
    (element.type === 'BYTE_ARRAY' || element.type === 'FIXED_LEN_BYTE_ARRAY') && !isText(element);
  const own = new Set(Object.values(columns));
  const stored = children.filter(
    ({ element, children: parts }) => own.has(element.name) || (parts.length === 0 && !isBytes(element)),
  );
  return {
    names: stored.map(({ element }) => element.name),
    columns,
    types: stored.map(({ element }) => typeOf(element)),
  };
}
