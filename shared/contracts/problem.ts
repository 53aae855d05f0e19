import { z } from 'zod';
import { codeNames } from '../errors.ts';

/** RFC 9457 problem details, with the stable code that clients switch on. */
export const problem = z
  .object({
    type: z.string().meta({ description: 'Where the code is documented.' }),
    title: z.string(),
    status: z.int(),
    code: z.enum(codeNames),
    detail: z.string(),
    requestId: z.string().meta({ description: 'Also in the `X-Request-Id` header and in the logs.' }),
    traceId: z
      .string()
      .optional()
      .meta({ description: 'Where the request is found among the traces, if it was traced.' }),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'Each fault of the request, where it can be placed.' }),
    error: z
      .object({
        message: z.string(),
        type: z.enum(['invalid_request_error', 'server_error']),
        code: z.enum(codeNames),
        param: z.string().nullable(),
      })
      .optional()
      .meta({ description: "The same as OpenAI's clients read it, at the paths of OpenAI's API." }),
  })
  .meta({ id: 'Problem' });
export type Problem = z.output<typeof problem>;
