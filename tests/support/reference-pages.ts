import { z } from 'zod';
import { type Setting, settings } from '../../shared/config.ts';
import { codes } from '../../shared/errors.ts';

/** The JSON Schema of the text of one variable. */
interface Rule {
  default?: string | number | boolean;
  enum?: string[];
  minimum?: number;
  maximum?: number;
}

/** Every setting with its variable, its rule and its default, as they are written in the environment. */
export const environment = Object.values<Setting>(settings).map(({ env, also = [], of, schema, doc }) => {
  const rule = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Rule;
  const values = rule.enum?.filter((value) => value !== '');
  const isFlag = values?.join() === '0,1,true,false';
  return {
    env,
    also,
    of,
    doc,
    rule: { ...rule, enum: isFlag ? ['0', '1'] : values },
    fallback: defaultOf(rule, isFlag),
  };
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

type Variable = (typeof environment)[number];

const alsoOf = ({ also }: Variable) => (also.length === 0 ? '' : ` Other names: ${also.map(code).join(', ')}.`);
const tableOf = (variables: readonly Variable[]) => `| variable | default | values | meaning |
| -------- | ------- | ------ | ------- |
${variables.map((each) => `| \`${each.env}\` | ${code(each.fallback)} | ${valuesOf(each.rule)} | ${cell(each.doc)}${alsoOf(each)} |`).join('\n')}`;

/** Returns the text of docs/settings.md. */
export const settingsPage = (): string => `# Settings

Every setting is an environment variable. An invalid value is refused at startup with the reason. An empty value counts as
unset. A variable whose name nearly equals that of a setting has no effect, and is reported at startup and by \`vls doctor\`.
[.env.example](../.env.example) lists all settings, ready to be copied; nothing reads that file by itself.

This page is made from \`shared/config.ts\`. \`npx vitest run tests/unit/documentation -u\` writes it anew.

${tableOf(environment.filter(({ of }) => of === undefined))}

## Variables of other tools

These variables belong to other tools and have the same meaning here: those of Hugging Face, of HTTP clients and of
OpenTelemetry. The AWS SDK and Node.js read theirs themselves (\`AWS_REGION\`, \`NODE_EXTRA_CA_CERTS\`, …).

${tableOf(environment.filter(({ of }) => of !== undefined))}
`;

/** Wraps a text into comment lines of at most 120 characters. */
const comment = (text: string): string => text.replace(/(.{1,118})(?:\s+|$)/g, '# $1\n');
const exampleOf = ({ env, doc, rule: { enum: values }, fallback }: Variable): string =>
  `${comment(values === undefined ? doc : `${doc} Values: ${values.join(', ')}.`)}#${env}=${fallback}\n`;

/** Returns the text of .env.example. */
export const exampleFile =
  (): string => `# All settings with their defaults, made from shared/config.ts. Nothing reads this file by itself: copy it to .env,
# uncomment what you change, and run
#   set -a; . ./.env; set +a; npm start

${environment
  .filter(({ of }) => of === undefined)
  .map(exampleOf)
  .join('\n')}
# Variables of other tools.

${environment
  .filter(({ of }) => of !== undefined)
  .map(exampleOf)
  .join('\n')}`;

/** Returns the text of docs/errors.md. */
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
