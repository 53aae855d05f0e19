import type { RequestHandler } from 'express';
import type { ZodOpenApiOperationObject } from 'zod-openapi';

/** One operation of the API: its path, its documentation and its handlers. */
export interface Route {
  method: 'get' | 'post' | 'delete';
  /** Path below the service's prefix, in OpenAPI's spelling (`/batch/{id}`). */
  path: string;
  /** True for a path at the root of the service, where clients of other services expect it. */
  isAtRoot?: true;
  /** The callers allowed: everybody with a key by default. */
  access?: 'public' | 'operator';
  operation: ZodOpenApiOperationObject;
  handlers: RequestHandler[];
}
