import fc from 'fast-check';

/** As much of JSON Schema as the OpenAPI document of this service uses. */
export interface JsonSchema {
  $ref?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  minimum?: number;
  maximum?: number;
}

/**
 * Values that fit a schema, and values that nearly do: at each place now and then something else stands.
 * @param resolve finds what a `$ref` names.
 */
export function nearly(schema: JsonSchema, resolve: (ref: string) => JsonSchema, depth = 0): fc.Arbitrary<unknown> {
  const anything = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(...nasty));
  if (depth > 6) return anything;
  const inner = (other: JsonSchema) => nearly(other, resolve, depth + 1);
  return fc.oneof({ arbitrary: fitting(schema, resolve, inner), weight: 9 }, { arbitrary: anything, weight: 1 });
}

/** Values that often break programs. */
export const nasty = [
  '',
  '\u0000',
  '\ud800',
  '../../etc/passwd',
  '%00',
  '{{7*7}}',
  '__proto__',
  'constructor',
  '-1',
  '1e999',
  'NaN',
  'a'.repeat(5_000),
  'http://127.0.0.1:1/x.jpg',
  'data:image/png;base64,AAAA',
  -1,
  1e308,
  null,
] as const;

function fitting(
  schema: JsonSchema,
  resolve: (ref: string) => JsonSchema,
  inner: (schema: JsonSchema) => fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) return inner(resolve(schema.$ref));
  const among = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (among !== undefined) return fc.oneof(...among.map(inner));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const { minimum: min = -10, maximum: max = 1_000 } = schema;
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case 'string':
      return fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.constantFrom(...nasty).map(String));
    case 'integer':
      return fc.integer({ min, max });
    case 'number':
      return fc.double({ min, max, noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(inner(schema.items ?? {}), { maxLength: 4 });
    case 'object': {
      const { properties = {}, required = [] } = schema;
      const fields = Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, inner(field)]));
      return fc.record(fields, { requiredKeys: required.filter((name) => name in fields) });
    }
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}
