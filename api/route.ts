import type { RequestHandler } from 'express';
import type { ZodOpenApiOperationObject } from 'zod-openapi';

/** One call of the contract: how it is reached, how it is documented, what answers it. */
export interface Route {
  method: 'get' | 'post' | 'delete';
  /** Below the service's prefix, in OpenAPI's spelling (`/batch/{id}`). */
  path: string;
  /** Whom it answers: whoever has a key unless said otherwise. */
  access?: 'public' | 'operator';
  operation: ZodOpenApiOperationObject;
  handlers: RequestHandler[];
}
