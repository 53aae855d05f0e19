/** The part of JSON Schema that the OpenAPI document is written in. */
interface Schema {
  $ref?: string;
  type?: string | string[];
  const?: unknown;
  default?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  description?: string;
}
type Content = Record<string, { schema?: Schema }>;
interface Operation {
  summary?: string;
  parameters?: { name: string; in: string; required?: boolean; schema: Schema }[];
  requestBody?: { content: Content };
  responses: Record<string, { content?: Content }>;
}
export interface OpenApiDocument {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

/**
 * TypeScript types of an OpenAPI document, in the shape that openapi-fetch takes (`paths`).
 * @throws {Error} when a schema uses what this cannot say.
 */
export function typesOf({ paths, components }: OpenApiDocument): string {
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) => `${comment(schema.description)}export type ${name} = ${typeOf(schema)};\n`,
  );
  const calls = fields(paths, (operations) => `{${fields(operations, operation)}}`);
  return `// Made from the OpenAPI document: npx vitest run tests/integration/documentation -u\n\n${schemas.join('\n')}\nexport interface paths {${calls}}\n`;
}

function operation({ summary, parameters = [], requestBody, responses }: Operation): string {
  const places = ['query', 'path', 'header', 'cookie'].map((place) => {
    const those = parameters.filter((parameter) => parameter.in === place);
    if (those.length === 0) return `${place}?: never;`;
    const properties = Object.fromEntries(those.map(({ name, schema }) => [name, schema]));
    const required = those.filter((parameter) => parameter.required).map(({ name }) => name);
    return `${place}${required.length === 0 ? '?' : ''}: ${typeOf({ type: 'object', properties, required })};`;
  });
  const body = requestBody === undefined ? 'requestBody?: never;' : `requestBody: {${contentOf(requestBody.content)}};`;
  const answers = fields(responses, ({ content }) => `{headers: Record<string, unknown>; ${contentOf(content)}}`);
  return `{${comment(summary)}parameters: {${places.join('')}}; ${body} responses: {${answers}};}`;
}

/** Forms are sent as what browsers and Node.js have for them; their schemas name the fields for people. */
function contentOf(content: Content | undefined): string {
  if (content === undefined) return 'content?: never;';
  const typeOfMedia = (media: string, schema: Schema | undefined) =>
    media === 'multipart/form-data' ? 'FormData' : schema === undefined ? 'unknown' : typeOf(schema);
  const media = Object.entries(content).map(([name, { schema }]) => `'${name}': ${typeOfMedia(name, schema)};`);
  return `content: {${media.join('')}};`;
}

const fields = <T>(record: Record<string, T>, toType: (value: T) => string): string =>
  Object.entries(record)
    .map(([name, value]) => `${/^\w+$/.test(name) ? name : `'${name}'`}: ${toType(value)};`)
    .join('\n');

const comment = (text: string | undefined) => (text === undefined ? '' : `/** ${text.replaceAll('*/', '* /')} */\n`);

function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return schema.$ref.split('/').at(-1) ?? 'never';
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return choices.map((choice) => `(${typeOf(choice)})`).join(' | ');
  if (schema.allOf !== undefined) return schema.allOf.map((part) => `(${typeOf(part)})`).join(' & ');
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type })).join(' | ');
  switch (schema.type) {
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type;
    case 'number':
    case 'integer':
      return 'number';
    case 'array':
      return `(${typeOf(schema.items ?? {})})[]`;
    case 'object':
      return objectType(schema);
    case undefined:
      return 'unknown';
    default:
      throw new Error(`There is no TypeScript for ${JSON.stringify(schema)}`);
  }
}

function objectType({ properties = {}, required = [], additionalProperties }: Schema): string {
  const own = Object.entries(properties).map(([name, schema]) => {
    const key = /^\w+$/.test(name) ? name : JSON.stringify(name);
    return `${comment(schema.description)}${key}${required.includes(name) ? '' : '?'}: ${typeOf(schema)};`;
  });
  if (typeof additionalProperties === 'object') own.push(`[key: string]: ${typeOf(additionalProperties)};`);
  return own.length === 0 ? 'Record<string, unknown>' : `{${own.join('\n')}}`;
}
