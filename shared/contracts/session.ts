import { z } from 'zod';

/** Who a browser is signed in as. */
export const session = z
  .object({
    keysRequired: z.boolean().meta({ description: 'Whether this service asks for keys at all.' }),
    authenticated: z.boolean().meta({ description: 'Whether requests like this one are let in.' }),
    tenant: z.string().nullable(),
    role: z.enum(['tenant', 'operator']).nullable(),
  })
  .meta({ id: 'Session' });
export type Session = z.output<typeof session>;

export const signIn = z
  .strictObject({
    key: z.string().min(1).max(200),
    next: z.string().optional().meta({ description: 'Forms: path of this service to go to afterwards.' }),
  })
  .meta({ id: 'SignIn' });
