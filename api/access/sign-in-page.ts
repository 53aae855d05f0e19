import type { ErrorRequestHandler, Request } from 'express';
import { prefix } from '../../shared/contracts/paths.ts';
import { type Code, codes, ServiceError } from '../../shared/errors.ts';

/** Error codes of requests that may succeed after a sign-in with another key. */
const signInCodes = new Set<Code>([
  'access.key_missing',
  'access.key_invalid',
  'access.operator_only',
  'access.throttled',
]);
/**
 * Sends a sign-in form in place of an error when a browser opens a page or submits that form. The form works without
 * scripts.
 */
export const answerWithSignIn: ErrorRequestHandler = (thrown, request, response, next) => {
  if (!(thrown instanceof ServiceError) || !signInCodes.has(thrown.code)) return next(thrown);
  if (response.headersSent || !wantsPage(request)) return next(thrown);
  const target = request.method === 'GET' ? request.originalUrl : targetOf(formOf(request)['next']);
  const message = thrown.code === 'access.key_missing' ? '' : thrown.message;
  if (thrown.retryAfter !== undefined) response.setHeader('Retry-After', String(Math.ceil(thrown.retryAfter)));
  response.setHeader('Cache-Control', 'no-store');
  response.vary('Accept');
  response.status(codes[thrown.code].status).type('html').send(page(target, message));
};

/** Returns true when a browser opens a page or submits a form. A script's `fetch` does not ask for HTML by default. */
const wantsPage = (request: Request): boolean =>
  (request.method === 'GET' || request.is('urlencoded') !== false) &&
  /\btext\/html\b/.test(request.get('accept') ?? '');

const formOf = (request: Request): Record<string, unknown> =>
  typeof request.body === 'object' && request.body !== null ? (request.body as Record<string, unknown>) : {};

/** Returns the path to open after the sign-in: `next`, if it lies below this service's prefix, else the start page. */
export function targetOf(next: unknown): string {
  const home = `${prefix}/`;
  if (typeof next !== 'string' || !next.startsWith(home)) return home;
  // The path is resolved as a browser resolves it, so that dots and backslashes cannot lead out of the prefix.
  const url = URL.canParse(next, 'http://here') ? new URL(next, 'http://here') : undefined;
  return url?.origin === 'http://here' && url.pathname.startsWith(home) ? url.pathname + url.search : home;
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const page = (target: string, message: string): string => `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Sign in: vision-language similarity</title>
  <link rel="icon" href="data:,">
  <style>
    :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
    body { margin: 0; min-height: 100vh; display: grid; place-items: center; }
    main { width: min(24rem, 100vw - 2rem); }
    h1 { font-size: 1.25rem; }
    label, input, button { display: block; width: 100%; box-sizing: border-box; font: inherit; }
    input, button { padding: 0.5rem; margin-top: 0.5rem; }
    [role='alert'] { border-inline-start: 0.25rem solid #c62828; padding-inline-start: 0.75rem; }
  </style>
</head>
<body>
  <main>
    <h1>Vision-language similarity</h1>
    ${message === '' ? '' : `<p role="alert">${escaped(message)}.</p>`}
    <form method="post" action="${prefix}/session">
      <input type="hidden" name="next" value="${escaped(target)}">
      <label for="key">API key</label>
      <input id="key" name="key" type="password" autocomplete="current-password" spellcheck="false" required autofocus>
      <button type="submit">Sign in</button>
    </form>
    <p><small>The operators of this service make keys with <code>vls keys add</code>.</small></p>
  </main>
</body>
</html>
`;
