import { z } from 'zod';

export const session = z
  .object({
    keysRequired: z.boolean().meta({ description: 'True if the service requires keys.' }),
    authenticated: z.boolean().meta({ description: 'True if requests like this one are authorised.' }),
    tenant: z.string().nullable(),
    role: z.enum(['tenant', 'operator']).nullable(),
  })
  .meta({ id: 'Session' });
export type Session = z.output<typeof session>;

export const signIn = z
  .strictObject({
    key: z.string().min(1).max(200),
    next: z
      .string()
      .optional()
      .meta({ description: 'For a form of HTML: the path of this service to which the browser is redirected.' }),
  })
  .meta({ id: 'SignIn' });
