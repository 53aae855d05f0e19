import express, { type RequestHandler } from 'express';
import { type Session, session, signIn } from '../../shared/contracts/session.ts';
import { ServiceError } from '../../shared/errors.ts';
import type { Access } from '../access/authenticate.ts';
import type { KeyRing } from '../access/key-ring.ts';
import { type Principal, principalOf } from '../access/principal.ts';
import type { RequestAudit } from '../access/request-audit.ts';
import type { Sessions } from '../access/sessions.ts';
import { targetOf } from '../access/sign-in-page.ts';
import { check } from '../check.ts';
import { createJsonBody } from '../middleware/json-body.ts';
import { problemResponses } from '../openapi.ts';
import type { Route } from '../route.ts';

export interface SessionDeps {
  access: Access;
  keys: KeyRing;
  sessions: Sessions;
  audit: RequestAudit;
}

const answered = { 'application/json': { schema: session } } as const;
/** The maximum size of a sign-in request in bytes. It must be cheap to handle, because anybody can send one. */
const maxBytes = 8 * 1024;
const form = express.urlencoded({ extended: false, limit: maxBytes, parameterLimit: 10 });
const json = createJsonBody(maxBytes);
const noStore: RequestHandler = (_request, response, next) => {
  response.setHeader('Cache-Control', 'no-store');
  next();
};

/** Routes of `/session`. The cookie serves the web page, its event streams and Bull Board. */
export function sessionRoutes({ access, keys, sessions, audit }: SessionDeps): Route[] {
  const describe = (principal: Principal | undefined): Session => ({
    keysRequired: keys.required,
    authenticated: principal !== undefined,
    tenant: principal?.tenant ?? null,
    role: principal?.role ?? null,
  });
  return [
    {
      method: 'get',
      path: '/session',
      access: 'public',
      operation: {
        operationId: 'getSession',
        summary: 'Read the tenant and role of this request',
        tags: ['access'],
        responses: {
          '200': { description: 'The tenant and role of the request', content: answered },
          ...problemResponses(503),
        },
      },
      handlers: [noStore, (request, response) => void response.json(describe(principalOf(request)))],
    },
    {
      method: 'post',
      path: '/session',
      access: 'public',
      operation: {
        operationId: 'signIn',
        summary: 'Sign a browser in',
        description:
          'Sets a cookie that is valid for 12 hours, or until the key is removed. A form is answered with a redirect to `next`.',
        tags: ['access'],
        requestBody: {
          required: true,
          content: {
            'application/json': { schema: signIn, example: { key: 'vls_…' } },
            'application/x-www-form-urlencoded': { schema: signIn },
          },
        },
        responses: {
          '200': { description: 'Signed in', content: answered },
          '303': { description: 'Signed in with a form; redirects to `next`' },
          ...problemResponses(400, 413, 415, 503),
        },
      },
      handlers: [
        noStore,
        (request, response, next) => (request.is('urlencoded') ? form : json)(request, response, next),
        async (request, response) => {
          const { key, next } = check(signIn, request.body, 'body');
          if (!keys.required) {
            throw new ServiceError('request.invalid', 'This service has no API keys, so no sign-in is needed');
          }
          const principal = await access.signIn(request, key.trim());
          if (principal.keyId !== null) {
            await sessions.start(request, response, principal.keyId);
            audit(request, response, 'session.started', {}, principal);
          }
          if (request.is('urlencoded')) return void response.redirect(303, targetOf(next));
          response.json(describe(principal));
        },
      ],
    },
    {
      method: 'delete',
      path: '/session',
      access: 'public',
      operation: {
        operationId: 'signOut',
        summary: 'Sign the browser out',
        tags: ['access'],
        responses: { '204': { description: 'Signed out' }, ...problemResponses(503) },
      },
      handlers: [
        async (request, response) => {
          await sessions.end(request, response);
          // Without a session, nothing changes.
          if (principalOf(request)?.via === 'session') audit(request, response, 'session.ended');
          response.status(204).end();
        },
      ],
    },
  ];
}
