import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeAll, expect, test } from 'vitest';
import { codeNames, codes } from '../../../shared/errors.ts';
import { photoNames } from '../../../testing/images/host.ts';
import { type OpenApiDocument, typesOf } from '../../support/openapi-types.ts';
import { useService } from '../../support/running-service.ts';

const running = useService();
const root = fileURLToPath(new URL('../../../', import.meta.url));
const run = promisify(execFile);

interface Media {
  schema?: object;
  example?: unknown;
  examples?: Record<string, { $ref: string }>;
}
type Bodies = { content?: Record<string, Media> };
interface Described extends OpenApiDocument {
  components: OpenApiDocument['components'] & { examples: Record<string, { value: { code: string; status: number } }> };
}

let document: Described;
beforeAll(async () => {
  document = (await running.client.call<Described>('/openapi.json')).body;
});

/** Every body of every operation, with a name that says where it is. */
function bodies(): { where: string; status: string; type: string; media: Media }[] {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { requestBody, responses }]) =>
      Object.entries({ ...(requestBody ? { request: requestBody } : {}), ...responses } as Record<
        string,
        Bodies
      >).flatMap(([status, { content = {} }]) =>
        Object.entries(content).map(([type, media]) => ({
          where: `${method} ${path} ${status} ${type}`,
          status,
          type,
          media,
        })),
      ),
    ),
  );
}

test('the types of the TypeScript example are those of the OpenAPI document', async () => {
  await expect(typesOf(document)).toMatchFileSnapshot(`${root}examples/typescript/api.ts`);
});

test('every JSON body has an example that its schema accepts', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(document, 'api');
  const json = bodies().filter(({ type }) => type === 'application/json');
  expect(json.length).toBeGreaterThan(20);
  for (const { where, media } of json) {
    expect(media.example, where).toBeDefined();
    const schema = JSON.parse(JSON.stringify(media.schema).replaceAll('"#/', '"api#/'));
    expect(ajv.validate(schema, media.example), `${where}: ${ajv.errorsText()}`).toBe(true);
  }
});

test('every error code has its problem document, at each answer that may carry it', () => {
  const { examples } = document.components;
  expect(Object.keys(examples).sort()).toEqual([...codeNames].sort());
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema(document, 'api');
  for (const [name, { value }] of Object.entries(examples)) {
    expect(ajv.validate({ $ref: 'api#/components/schemas/Problem' }, value), name).toBe(true);
  }
  const told = new Set<string>();
  for (const { where, status, type, media } of bodies()) {
    if (type !== 'application/problem+json') continue;
    const names = Object.keys(media.examples ?? {});
    const ofStatus = codeNames.filter((code) => codes[code].status === Number(status));
    expect(names, where).toEqual(ofStatus);
    for (const name of names) told.add(name);
  }
  // No documented call is answered so: it is what other methods get.
  expect(codeNames.filter((code) => !told.has(code))).toEqual(['route.method_not_allowed']);
});

test('every operation whose parameters or body are checked documents 400', () => {
  const silent = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, { parameters = [], requestBody }]) => requestBody ?? parameters.some((one) => one.in !== 'path'))
      .filter(([, { responses }]) => responses['400'] === undefined)
      .map(([method]) => `${method} ${path}`),
  );
  expect(silent).toEqual([]);
});

test('no property of a body has a default in its schema: generators make such a property one that must be sent', () => {
  const text = JSON.stringify(document.components.schemas);
  expect(text).not.toMatch(/"default":(?!\{"type"|\{"description")/);
  expect(text).toContain('Default: `truncate`.');
});

test('every documented default may be sent, as some generated clients do', async () => {
  const posted = await running.client.batch.post([{ image: running.host.url('coffee.jpg'), text: 'coffee' }]);
  await running.client.batch.finished(posted.body.id);
  const tried: string[] = [];
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, { parameters = [] }] of Object.entries(operations)) {
      const defaults = parameters.flatMap(({ name, in: place, schema }) =>
        place === 'query' && schema.default !== undefined ? [[name, String(schema.default)]] : [],
      );
      const query = new URLSearchParams(defaults as [string, string][]);
      const body = method === 'post' ? JSON.stringify({ items: [{}] }) : undefined;
      const address = `${path.replace('/evaluator', '').replace('{id}', posted.body.id)}?${query}`;
      if (defaults.length === 0) continue;
      const init = { method, headers: { 'content-type': 'application/json' }, ...(body !== undefined && { body }) };
      const answer = await running.client.call(address, init);
      expect(answer.status, `${method} ${address}`).toBeLessThan(300);
      tried.push(method);
    }
  }
  expect(tried).toEqual(expect.arrayContaining(['get', 'post']));
});

test('the TypeScript example scores a photo, and the photos as a batch', async () => {
  const options = { cwd: root, env: { ...process.env, VLS_URL: running.service.url } };
  const client = 'examples/typescript/client.ts';
  const one = await run(process.execPath, [client, 'examples/photos/chelsea.jpg', 'a cat', 'a rocket'], options);
  expect(one.stdout).toMatch(/^ *[5-9]\d\.\d\d {2}a cat\n *\d+\.\d\d {2}a rocket\n$/);
  const batch = await run(process.execPath, [client], options);
  const named = batch.stdout.trim().split('\n');
  expect(named.map((line) => line.trim().split(/ {2}/)[1]).sort()).toEqual([...photoNames].sort());
  await expect(run(process.execPath, [client, 'http://10.0.0.1/a.jpg', 'a cat'], options)).rejects.toThrow(
    'image.fetch.blocked_address',
  );
});
