import { z } from 'zod';
import { settings } from '../../shared/config.ts';
import { codes } from '../../shared/errors.ts';

/** What JSON Schema says of the text of one variable. */
interface Rule {
  default?: string | number | boolean;
  enum?: string[];
  minimum?: number;
  maximum?: number;
}

/** Every setting with the name of its variable, its rule and its default as they are written in the environment. */
export const environment = Object.values(settings).map(({ env, schema, doc }) => {
  const rule = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Rule;
  const values = rule.enum?.filter((value) => value !== '');
  const isFlag = values?.join() === '0,1,true,false';
  return { env, doc, rule: { ...rule, enum: isFlag ? ['0', '1'] : values }, fallback: defaultOf(rule, isFlag) };
});

function defaultOf({ default: value }: Rule, isFlag: boolean): string {
  if (isFlag) return '0';
  return value === undefined || value === '' ? '' : String(value);
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
const code = (text: string) => (text === '' ? '' : `\`${text}\``);

function valuesOf({ enum: values, minimum, maximum }: (typeof environment)[number]['rule']): string {
  if (values !== undefined) return values.map(code).join(', ');
  return minimum === undefined || maximum === undefined ? '' : `${minimum} to ${maximum}`;
}

/** The text of docs/settings.md. */
export const settingsPage = (): string => `# Settings

Every setting is an environment variable. A wrong value is refused at the start, with the reason; an empty one is the
same as none. [.env.example](../.env.example) has them all, ready to be copied: nothing reads that file by itself.

This page is made from \`shared/config.ts\`. \`npx vitest run tests/unit/documentation -u\` writes it anew.

| variable | default | values | what |
| -------- | ------- | ------ | ---- |
${environment.map(({ env, doc, rule, fallback }) => `| \`${env}\` | ${code(fallback)} | ${valuesOf(rule)} | ${cell(doc)} |`).join('\n')}

With \`OTEL_EXPORTER_OTLP_ENDPOINT\`, OpenTelemetry's other variables hold too, such as \`OTEL_EXPORTER_OTLP_HEADERS\` and
\`OTEL_RESOURCE_ATTRIBUTES\`.
`;

/** The text of docs/errors.md. */
export const errorsPage = (): string => `# Error codes

A request that cannot be answered gets a problem document (RFC 9457, \`application/problem+json\`) with a stable \`code\`.
A failed item of a batch carries the same codes, in \`error.code\` of its result. Switch on the code, never on the text.

*Again* says whether the same input may succeed later. Answers with 429 or 503 say in \`Retry-After\` when.

This page is made from \`shared/errors.ts\`. \`npx vitest run tests/unit/documentation -u\` writes it anew.

| code | status | again | what |
| ---- | ------ | ----- | ---- |
${Object.entries(codes)
  .map(([name, { status, retryable, title }]) => `| \`${name}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${title} |`)
  .join('\n')}
`;
