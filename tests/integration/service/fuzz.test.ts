import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { type JsonSchema, nasty, nearly } from '../../support/json-schema.ts';
import { useService } from '../../support/running-service.ts';

const running = useService({ FETCH_TIMEOUT_MS: '500' });

interface Operation {
  parameters?: { name: string; in: string; schema: JsonSchema }[];
  requestBody?: { content: Record<string, { schema?: JsonSchema }> };
  responses: Record<string, unknown>;
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, JsonSchema> };
}

let document: Document;
let batchId: string;
beforeAll(async () => {
  document = (await running.client.call<Document>('/openapi.json')).body;
  const { body } = await running.client.batch.post([{ image: running.host.url('coffee.jpg'), text: 'coffee' }]);
  batchId = body.id;
  await running.client.batch.finished(batchId);
});

const resolve = (ref: string): JsonSchema => document.components.schemas[ref.split('/').at(-1) ?? ''] ?? {};
/** Characters that fetch accepts in a header. */
const headerValue = fc.stringMatching(/^[\x21-\x7e]{0,40}$/);

/** Requests of an operation: as documented, nearly so, and in other content types. */
function requestsOf(path: string, method: string, { parameters = [], requestBody }: Operation) {
  const query = Object.fromEntries(
    parameters.filter((one) => one.in === 'query').map(({ name, schema }) => [name, nearly(schema, resolve)]),
  );
  const types = Object.entries(requestBody?.content ?? {});
  const body =
    types.length === 0
      ? fc.constant(undefined)
      : fc.oneof(
          ...types.map(([type, { schema }]) =>
            fc.record({
              type: fc.oneof(
                { arbitrary: fc.constant(type), weight: 5 },
                { arbitrary: fc.constantFrom(...types.map(([other]) => other), 'text/plain', ''), weight: 1 },
              ),
              text: fc.oneof(
                nearly(schema ?? {}, resolve).map((value) => JSON.stringify(value) ?? ''),
                fc.string({ unit: 'binary', maxLength: 200 }),
                fc.constantFrom(
                  '{',
                  '[1,',
                  'image,text\n1,2\n"',
                  '--b\r\n\r\n',
                  '\ufeff{}',
                  '{"items":[{}]}',
                  '{"image":"x"}\n',
                ),
              ),
            }),
          ),
        );
  return fc.record({
    method: fc.constant(method.toUpperCase()),
    path: fc
      .oneof(fc.constant(batchId), fc.constantFrom(...nasty.map(String)), fc.string({ unit: 'binary', maxLength: 40 }))
      .map((id) => path.replace('{id}', encodeURIComponent(id.toWellFormed()) || '-')),
    query: fc.record(query, { requiredKeys: [] }),
    body,
    headers: fc.record(
      {
        accept: fc.constantFrom('*/*', 'text/csv', 'application/x-ndjson', 'text/html', 'nonsense'),
        'idempotency-key': headerValue,
        'last-event-id': headerValue,
        prefer: fc.constantFrom('wait=0', 'wait=x', 'wait=99999999999', 'respond-async'),
        'x-request-id': headerValue,
        'content-encoding': fc.constantFrom('gzip', 'br', 'identity'),
        cookie: headerValue,
      },
      { requiredKeys: [] },
    ),
  });
}

test('whatever is sent to an operation, the answer has a status that is documented for it, and none is 500', async () => {
  const seen = new Set<string>();
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      // It would take the batch away from the others.
      if (method === 'delete' && path.includes('{id}')) continue;
      await fc.assert(
        fc.asyncProperty(requestsOf(path, method, operation), async (asked) => {
          const query = new URLSearchParams(
            Object.entries(asked.query).map(([name, value]): [string, string] => [
              name,
              typeof value === 'string' ? value : JSON.stringify(value),
            ]),
          );
          const { 'content-encoding': encoding, ...headers } = asked.headers;
          const answer = await fetch(`${running.service.url}${asked.path}?${query}`, {
            method: asked.method,
            headers: {
              ...headers,
              ...(asked.body !== undefined && { 'content-type': asked.body.type }),
              ...(asked.body !== undefined && encoding !== undefined && { 'content-encoding': encoding }),
            },
            redirect: 'manual',
            ...(asked.body !== undefined && { body: asked.body.text }),
          });
          const text = await answer.text();
          seen.add(`${method} ${path} ${answer.status}`);
          // A path whose id is a dot leads elsewhere; what is there is documented there.
          if (new URL(answer.url).pathname.split('/').length !== path.split('/').length) return;
          const { status } = answer;
          expect([status, status in operation.responses && status !== 500, text.slice(0, 300)]).toEqual([
            status,
            true,
            text.slice(0, 300),
          ]);
        }),
        { numRuns: 40, endOnFailure: true },
      );
    }
  }
  // Not only refusals: the requests get past the checks.
  expect([...seen].filter((one) => /20[0-4]$/.test(one)).length).toBeGreaterThan(7);
  const { status, body } = await running.client.health();
  expect(status).toBe(200);
  expect(body.models[0]?.encoders.restarts).toBe(0);
});
