import type { RequestHandler } from 'express';
import type { ZodOpenApiOperationObject } from 'zod-openapi';

export interface Route {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** The path below the service prefix, with parameters as in OpenAPI (`/batch/{id}`). */
  path: string;
  /** True for a path at the root, where clients of OpenAI and vLLM expect it. */
  isAtRoot?: true;
  /** The permitted callers. Default: everybody with a key. */
  access?: 'public' | 'operator';
  operation: ZodOpenApiOperationObject;
  handlers: RequestHandler[];
}
