import type { ErrorRequestHandler, Request } from 'express';
import { prefix } from '../../shared/contracts/paths.ts';
import { type Code, codes, ServiceError } from '../../shared/errors.ts';

/** Error codes after which signing in with another key may help. */
const signInCodes = new Set<Code>([
  'access.key_missing',
  'access.key_invalid',
  'access.operator_only',
  'access.throttled',
]);
/** Answers a failed browser navigation or form with a sign-in form, which works without scripts. */
export const answerWithSignIn: ErrorRequestHandler = (thrown, request, response, next) => {
  if (!(thrown instanceof ServiceError) || response.headersSent || !wantsPage(request)) return next(thrown);
  const isUnchecked = thrown.code === 'queue.unavailable' && needsSession(request);
  if (!isUnchecked && !signInCodes.has(thrown.code)) return next(thrown);
  const target = request.method === 'GET' ? request.originalUrl : targetOf(formOf(request)['next']);
  const message = isUnchecked ? uncheckedWords : thrown.code === 'access.key_missing' ? '' : thrown.message;
  if (thrown.retryAfter !== undefined) response.setHeader('Retry-After', String(Math.ceil(thrown.retryAfter)));
  response.setHeader('Cache-Control', 'no-store');
  response.vary('Accept');
  response.status(codes[thrown.code].status).type('html').send(page(target, message));
};

/** Returns true when a browser opens a page or submits a form. `fetch` in a script does not accept HTML by default. */
const wantsPage = (request: Request): boolean =>
  (request.method === 'GET' || request.is('urlencoded') !== false) &&
  /\btext\/html\b/.test(request.get('accept') ?? '');

/** Sessions are in Redis. Without it, nobody can be signed in, and a browser would show the error as JSON. */
const uncheckedWords = 'Redis is not available, so nobody can be signed in now. Try again in a moment';

/** Returns true for the sign-in form and for the start page. */
const needsSession = ({ originalUrl }: Request): boolean =>
  [`${prefix}/session`, `${prefix}/`].includes(originalUrl.split('?', 1)[0] ?? '');

const formOf = (request: Request): Record<string, unknown> =>
  typeof request.body === 'object' && request.body !== null ? (request.body as Record<string, unknown>) : {};

/** Returns the path to open after the sign-in: `next` if it is below the service prefix, otherwise the start page. */
export function targetOf(next: unknown): string {
  const home = `${prefix}/`;
  if (typeof next !== 'string' || !next.startsWith(home)) return home;
  // The path is resolved as in browsers, so that dots and backslashes cannot lead outside the prefix.
  const url = URL.canParse(next, 'http://here') ? new URL(next, 'http://here') : undefined;
  return url?.origin === 'http://here' && url.pathname.startsWith(home) ? url.pathname + url.search : home;
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** Colours, fonts and shapes follow web/styles/theme.css. */
const style = `
    :root {
      color-scheme: light dark;
      --paper: light-dark(#faf9f6, #161614);
      --surface: light-dark(#ffffff, #1f1e1c);
      --ink: light-dark(#23211d, #ebe8e1);
      --soft: light-dark(#625d54, #a8a296);
      --line: light-dark(#e4e0d8, #34322e);
      --edge: light-dark(#8b857a, #7b766c);
      --accent: light-dark(#0f6a61, #63c9bb);
      --accent-strong: light-dark(#0b544d, #85dacd);
      --on-accent: light-dark(#ffffff, #10211f);
      --bad-wash: light-dark(#fbeae7, #3a1f1b);
    }
    *, ::before, ::after { box-sizing: border-box; }
    body {
      display: grid; place-content: center; gap: 1.25rem; min-height: 100dvh; margin: 0; padding: 1rem;
      background: var(--paper); color: var(--ink);
      font: 0.9375rem / 1.55 -apple-system, "Segoe UI Variable Text", "Segoe UI", Roboto, "Noto Sans", "Liberation Sans",
        "Helvetica Neue", Arial, sans-serif;
      -webkit-font-smoothing: antialiased;
    }
    .brand { display: flex; gap: 0.6rem; align-items: center; justify-content: center; font-weight: 650; }
    .brand svg { width: 1.9rem; color: var(--accent); }
    main {
      width: min(24rem, 100vw - 2rem); padding: 1.75rem; background: var(--surface); border: 1px solid var(--line);
      border-radius: 10px; box-shadow: 0 1px 2px light-dark(rgb(50 40 20 / 6%), rgb(0 0 0 / 30%));
    }
    h1 { margin: 0 0 0.25rem; font-size: 1.375rem; font-weight: 650; letter-spacing: -0.018em; line-height: 1.2; }
    p { margin: 0; }
    .soft { color: var(--soft); font-size: 0.8125rem; }
    [role='alert'] { margin-top: 1rem; padding: 0.75rem 1rem; background: var(--bad-wash); border-radius: 8px; }
    form { display: grid; gap: 0.35rem; margin: 1.25rem 0 1rem; }
    label { font-size: 0.8125rem; font-weight: 560; }
    input, button { width: 100%; min-height: 2.5rem; font: inherit; border-radius: 8px; }
    input { padding: 0.45rem 0.7rem; background: var(--surface); border: 1px solid var(--edge); color: var(--ink); }
    button {
      margin-top: 0.75rem; background: var(--accent); border: 1px solid var(--accent); color: var(--on-accent);
      font-weight: 520; cursor: pointer;
    }
    button:hover { background: var(--accent-strong); border-color: var(--accent-strong); }
    :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
    code {
      font-family: ui-monospace, "SF Mono", "Cascadia Code", "Roboto Mono", "Liberation Mono", Menlo, monospace;
      white-space: nowrap;
    }
  `;

const page = (target: string, message: string): string => `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>Sign in · Vision-language similarity</title>
  <link rel="icon" href="data:,">
  <style>${style}</style>
</head>
<body>
  <header class="brand">
    <svg viewBox="0 0 32 20" aria-hidden="true">
      <circle cx="11" cy="10" r="8" fill="none" stroke="currentColor" stroke-width="2.5"/>
      <circle cx="21" cy="10" r="8" fill="none" stroke="currentColor" stroke-width="2.5"/>
    </svg>
    Similarity
  </header>
  <main>
    <h1>Sign in</h1>
    <p class="soft">Scores how well texts describe images.</p>
    ${message === '' ? '' : `<p role="alert" id="fault">${escaped(message)}.</p>`}
    <form method="post" action="${prefix}/session">
      <input type="hidden" name="next" value="${escaped(target)}">
      <label for="key">API key</label>
      <input id="key" name="key" type="password" autocomplete="current-password" spellcheck="false" required autofocus${message === '' ? '' : ' aria-invalid="true" aria-describedby="fault"'}>
      <button type="submit">Sign in</button>
    </form>
    <p class="soft">No key yet? Ask the operators of this service: they make keys with <code>vls keys add</code>.</p>
  </main>
</body>
</html>
`;
