import { createDocument, type ZodOpenApiPathsObject, type ZodOpenApiResponsesObject } from 'zod-openapi';
import { prefix } from '../shared/contracts/paths.ts';
import { problem } from '../shared/contracts/problem.ts';
import { type Code, codes } from '../shared/errors.ts';
import type { Route } from './route.ts';

/** The OpenAPI 3.1 document of these routes: generated from the schemas that also check the requests. */
export function createOpenApi(routes: readonly Route[], version: string) {
  const paths: ZodOpenApiPathsObject = {};
  for (const { path, method, operation, access } of routes) {
    const full = `${prefix}${path}`;
    const responses = { ...problemResponses(401, 403, 421, 429), ...operation.responses };
    const security = access === 'public' ? [{}] : [{ bearer: [] }, { apiKey: [] }, { session: [] }];
    paths[full] = { ...paths[full], [method]: { ...operation, responses, security } };
  }
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Vision-language similarity',
      version,
      description: 'How well does a text describe an image? Single pairs at once, batches through a queue.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'An API key. Not needed where the service has no keys.',
        },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        session: { type: 'apiKey', in: 'cookie', name: 'vls_session', description: 'Set by signing in.' },
      },
    },
  });
}

/** The problem responses of an operation; each names the codes that its status may carry. */
export function problemResponses(...statuses: number[]): ZodOpenApiResponsesObject {
  return Object.fromEntries(
    [...statuses, 500].map((status) => {
      const names = (Object.keys(codes) as Code[]).filter((code) => codes[code].status === status);
      const response = {
        description: `Problem with one of the codes ${names.join(', ')}`,
        content: { 'application/problem+json': { schema: problem } },
      };
      return [String(status), response];
    }),
  );
}
