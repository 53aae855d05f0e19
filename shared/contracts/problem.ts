import { z } from 'zod';
import { codeNames } from '../errors.ts';

/** Problem details (RFC 9457) with a stable error code. */
export const problem = z
  .object({
    type: z.string().meta({ description: 'The address of the documentation of the code.' }),
    title: z.string(),
    status: z.int(),
    code: z.enum(codeNames),
    detail: z.string(),
    requestId: z
      .string()
      .meta({ description: 'The id of the request, which the `X-Request-Id` header and the logs also have.' }),
    traceId: z.string().optional().meta({ description: 'The id of the trace of the request, if it is traced.' }),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'The errors of single fields of the request.' }),
    error: z
      .object({
        message: z.string(),
        type: z.enum(['invalid_request_error', 'server_error']),
        code: z.enum(codeNames),
        param: z.string().nullable(),
      })
      .optional()
      .meta({ description: "The error in the format of OpenAI's API; only on paths of OpenAI's API." }),
  })
  .meta({ id: 'Problem' });
export type Problem = z.output<typeof problem>;
