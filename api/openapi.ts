import { z } from 'zod';
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponsesObject,
} from 'zod-openapi';
import { prefix } from '../shared/contracts/paths.ts';
import { problem } from '../shared/contracts/problem.ts';
import { type Code, codes } from '../shared/errors.ts';
import { problemExamples, responseExamples } from './openapi-examples.ts';
import type { Route } from './route.ts';

/** Creates the OpenAPI 3.1 document from the schemas that also validate requests. */
export function createOpenApi(routes: readonly Route[], version: string) {
  const paths: ZodOpenApiPathsObject = {};
  for (const { path, isAtRoot, method, operation, access } of routes) {
    const full = isAtRoot ? path : `${prefix}${path}`;
    const everywhere = operation.requestBody === undefined ? [401, 403, 421, 429] : [401, 403, 408, 421, 429];
    const responses = { ...problemResponses(...everywhere), ...withExamples(operation) };
    const security = access === 'public' ? [{}] : [{ bearer: [] }, { apiKey: [] }, { session: [] }];
    paths[full] = { ...paths[full], [method]: { ...operation, responses, security } };
  }
  const document = createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Vision-language similarity',
      version,
      description: [
        'Measures how well a text describes an image. Single pairs are scored at once, batches through a queue.',
        'Errors are problem documents (RFC 9457) with a stable `code`; the `error.code` of a failed item is one of the same codes. A method that a path does not support is answered with 405.',
      ].join('\n\n'),
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      examples: problemExamples,
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'An API key. It is not needed if the service is configured without API keys.',
        },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'vls_session',
          description: 'The session cookie. `POST /evaluator/session` sets it.',
        },
      },
    },
  });
  for (const schema of Object.values(document.components?.schemas ?? {})) describeDefaults(schema as object);
  return document;
}

/**
 * Moves the default of each body property into its description, because openapi-typescript makes every property with a
 * `default` required. Query parameters are unchanged.
 */
function describeDefaults(schema: object): void {
  for (const part of Object.values(schema)) {
    if (typeof part === 'object' && part !== null) describeDefaults(part);
  }
  if (!('properties' in schema)) return;
  for (const property of Object.values(
    schema.properties as Record<string, { default?: unknown; description?: string }>,
  )) {
    if (property.default === undefined) continue;
    const words = `Default: \`${JSON.stringify(property.default).replaceAll('"', '')}\`.`;
    property.description = property.description === undefined ? words : `${property.description} ${words}`;
    delete property.default;
  }
}

/**
 * Only one operation documents this header. As the only optional parameter of an operation with several body types, it
 * makes openapi-python-client generate a module that cannot be imported.
 */
export const requestIdHeader = z.object({
  'X-Request-Id': z.string().optional().meta({ description: 'Your own id for this request, used in the logs.' }),
});

/** Returns one error response per HTTP status, listing the error codes with that status. */
export function problemResponses(...statuses: number[]): ZodOpenApiResponsesObject {
  return Object.fromEntries(
    [...statuses, 500].map((status) => {
      const names = (Object.keys(codes) as Code[]).filter((code) => codes[code].status === status);
      const response = {
        description: `An error with one of the codes ${names.join(', ')}`,
        content: { 'application/problem+json': { schema: problem, examples: examplesOf(names) } },
      };
      return [String(status), response];
    }),
  );
}

const examplesOf = (names: readonly Code[]) =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/examples/${name}` }]));

function withExamples({ operationId, responses }: ZodOpenApiOperationObject): ZodOpenApiResponsesObject {
  const examples = responseExamples[operationId ?? ''] ?? {};
  return Object.fromEntries(
    Object.entries(responses).map(([status, response]) => {
      const json = 'content' in response ? response.content?.['application/json'] : undefined;
      if (json === undefined) return [status, response];
      const described = { ...json, example: examples[status] };
      return [status, { ...response, content: { ...response.content, 'application/json': described } }];
    }),
  );
}
