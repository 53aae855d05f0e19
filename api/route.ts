import type { RequestHandler } from 'express';
import type { ZodOpenApiOperationObject } from 'zod-openapi';

/** One operation of the API: its path, its documentation and its handlers. */
export interface Route {
  method: 'get' | 'post' | 'patch' | 'delete';
  /** The path below the service's prefix, with parameters as in OpenAPI (`/batch/{id}`). */
  path: string;
  /** True for a path at the root of the service, where clients of OpenAI and vLLM expect it. */
  isAtRoot?: true;
  /** The callers that may use the route. Default: everybody with a key. */
  access?: 'public' | 'operator';
  operation: ZodOpenApiOperationObject;
  handlers: RequestHandler[];
}
