import type { z } from 'zod';
import { nearestName } from './nearest.ts';

/** The maximum number of allowed values that a message lists. */
const mostListed = 12;

const expectedTypes: Record<string, string> = {
  string: 'a string',
  object: 'an object',
  record: 'an object',
  array: 'a list',
  boolean: 'true or false',
};

/** The message about a field that is absent. */
export const missing = 'is missing';
/** The message about an image that is neither text nor an object of a known form. */
export const notImageSource =
  'expected a string (an http(s) URL, a data URI or base64) or an object with url, base64 or file';
/** Returns the message about a value of another type than the expected one. */
export const notOfType = (value: unknown, expected: string): string =>
  `is ${inWords(value)}, where ${expected} is expected`;

/** Replaces Zod's messages for programmers by messages for users. A message follows the name of its field. */
export const inOurWords: z.core.$ZodErrorMap = (issue) => {
  const { input, schema } = issue;
  if (input === undefined) return missing;
  switch (issue.code) {
    case 'invalid_type': {
      const wanted = isNumberSchema(schema) ? rangeOf(schema) : (expectedTypes[issue.expected] ?? issue.expected);
      if (typeof input !== 'number' || !isNumberSchema(schema)) return notOfType(input, wanted);
      return Number.isFinite(input) ? `is ${input}, where ${wanted} is expected` : `is not ${wanted}`;
    }
    case 'too_big':
      if (issue.origin === 'string') return `is longer than ${issue.maximum} characters`;
      if (Array.isArray(input)) return `has ${input.length} entries; at most ${issue.maximum} are allowed`;
      return `is ${input}, where ${isNumberSchema(schema) ? rangeOf(schema) : `at most ${issue.maximum}`} is expected`;
    case 'too_small':
      if (issue.minimum === 1 && (input === '' || (Array.isArray(input) && input.length === 0))) return 'is empty';
      if (issue.origin === 'string') return `is shorter than ${issue.minimum} characters`;
      if (Array.isArray(input)) return `has ${input.length} entries; at least ${issue.minimum} are expected`;
      if (issue.inclusive === false) return `is ${input}, where a number above ${issue.minimum} is expected`;
      return `is ${input}, where ${isNumberSchema(schema) ? rangeOf(schema) : `at least ${issue.minimum}`} is expected`;
    case 'invalid_value':
      return noneOf(input, issue.values.map(String));
    case 'invalid_union':
      if (Array.isArray(issue.options)) return `is not one of ${issue.options.join(', ')}`;
      return `is ${inWords(input)} of a form that is not supported`;
    case 'unrecognized_keys': {
      const [only = ''] = issue.keys;
      const keys = issue.keys.map((key) => JSON.stringify(key)).join(', ');
      if (issue.keys.length > 1) return `has the unknown fields ${keys}`;
      return `has the unknown field ${keys}${meant(nearestName(only, fieldsOf(schema)))}`;
    }
    case 'invalid_key':
      return `has an invalid key: ${issue.issues[0]?.message ?? 'it is not allowed'}`;
    case 'invalid_format':
      if (issue.format === 'url') return 'is not an http(s) address';
      return issue.pattern === undefined ? 'has an invalid form' : `does not match the pattern ${issue.pattern}`;
    default:
      return undefined;
  }
};

/** Names the type of a value, with its article. */
export function inWords(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value !== 'object') return `a ${typeof value}`;
  // Older browsers have no raw JSON.
  return 'isRawJSON' in JSON && JSON.isRawJSON(value) ? 'a number' : 'an object';
}

function noneOf(input: unknown, values: readonly string[]): string {
  const [only] = values;
  if (values.length === 1) return `must be ${only}`;
  const advice = meant(typeof input === 'string' ? nearestName(input, values) : undefined);
  return values.length > mostListed
    ? `is not one of the ${values.length} allowed values${advice}`
    : `is not one of ${values.join(', ')}${advice}`;
}

const meant = (nearest: string | undefined): string => (nearest === undefined ? '' : `; did you mean ${nearest}?`);

const fieldsOf = (schema: unknown): string[] =>
  typeof schema === 'object' && schema !== null && 'shape' in schema ? Object.keys(schema.shape as object) : [];

const isNumberSchema = (schema: unknown): schema is z.ZodNumber =>
  typeof schema === 'object' && schema !== null && 'minValue' in schema && typeof schema.minValue === 'number';

/** Describes the numbers that a schema accepts. Bounds of the safe integers are left out. */
function rangeOf({ minValue: least, maxValue: most, isInt }: z.ZodNumber): string {
  const noun = isInt ? 'a whole number' : 'a number';
  const isBound = (value: number | null): value is number =>
    value !== null && Math.abs(value) < Number.MAX_SAFE_INTEGER;
  if (isBound(least) && isBound(most)) return `${noun} from ${least} to ${most}`;
  if (isBound(least)) return `${noun} of ${least} or more`;
  return isBound(most) ? `${noun} of ${most} or less` : noun;
}
