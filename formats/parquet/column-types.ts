import type { SchemaElement } from 'hyparquet';
import type { ColumnType } from '../format.ts';

export function typeOf({ type, converted_type: converted, logical_type: logical }: SchemaElement): ColumnType {
  if (converted === 'DATE' || logical?.type === 'DATE') return 'date';
  if (/^TIMESTAMP/.test(converted ?? logical?.type ?? '') || type === 'INT96') return 'time';
  if (converted === 'DECIMAL' || logical?.type === 'DECIMAL' || logical?.type === 'FLOAT16') return 'number';
  // Half of the range of UINT_64 does not fit into INT64, so its values are stored as text.
  if (converted === 'UINT_64') return 'text';
  switch (type) {
    case 'BOOLEAN':
      return 'boolean';
    case 'INT32':
    case 'INT64':
      return 'integer';
    case 'FLOAT':
    case 'DOUBLE':
      return 'number';
    default:
      return 'text';
  }
}

export const elementOf: Record<ColumnType, Omit<SchemaElement, 'name'>> = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  integer: { type: 'INT64' },
  number: { type: 'DOUBLE' },
  boolean: { type: 'BOOLEAN' },
  date: { type: 'INT32', converted_type: 'DATE' },
  time: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
};

/** Converts a JSON value to the type of its column, or to null if it does not fit. */
export function storedValue(value: unknown, type: ColumnType): unknown {
  if (value === null || value === undefined) return null;
  switch (type) {
    case 'integer':
      return wholeNumber(textOf(value));
    case 'number': {
      const number = Number(textOf(value));
      return Number.isNaN(number) ? null : number;
    }
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
    case 'time': {
      const time = new Date(textOf(value));
      return Number.isNaN(time.getTime()) ? null : time;
    }
    case 'text':
      return textOf(value);
  }
}

const textOf = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));

const range = 2n ** 63n;

function wholeNumber(text: string): bigint | null {
  if (!/^-?\d{1,19}$/.test(text)) return null;
  const number = BigInt(text);
  return number >= -range && number < range ? number : null;
}
