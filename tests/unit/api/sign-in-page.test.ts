import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { expect, test } from 'vitest';
import { answerWithSignIn, targetOf } from '../../../api/access/sign-in-page.ts';
import { ServiceError } from '../../../shared/errors.ts';

test.each([
  ['/evaluator/', '/evaluator/'],
  ['/evaluator/docs/?a=b', '/evaluator/docs/?a=b'],
  ['/evaluator/queues/queue/x', '/evaluator/queues/queue/x'],
  ['/evaluator/./docs', '/evaluator/docs'],
])('%s leads to %s', (next, target) => {
  expect(targetOf(next)).toBe(target);
});

test.each([
  undefined,
  7,
  '',
  '/',
  'docs',
  '//evil.example',
  'https://evil.example/evaluator/',
  '/evaluator/../admin',
  '/evaluator/..//evil.example',
  '/evaluator/%2e%2e/admin',
  '/evaluator/..\\..\\\\evil.example',
])('%s leads home', (next) => {
  expect(targetOf(next)).toBe('/evaluator/');
});

test('a browser that cannot be signed in because Redis is away gets the page with the reason, other callers the error', async () => {
  const app = express();
  app.use((_request, _response, next) => next(new ServiceError('queue.unavailable', 'Redis cannot be reached')));
  app.use(answerWithSignIn);
  app.use(
    ((error, _request, response, _next) => void response.status(500).json(error.code)) as express.ErrorRequestHandler,
  );
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const answerTo = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${origin}${path}`, { headers: { accept: 'text/html' }, ...init });
    return [response.status, await response.text()];
  };
  try {
    const form = { method: 'POST', body: new URLSearchParams({ key: 'x' }) };
    const page = [503, expect.stringMatching(/role="alert"[^<]*>Redis is not available.*Try again in a moment\./s)];
    expect(await answerTo('/evaluator/')).toEqual(page);
    expect(await answerTo('/evaluator/session', form)).toEqual(page);
    expect(await answerTo('/evaluator/v1/evaluation/batch')).toEqual([500, '"queue.unavailable"']);
    expect(await answerTo('/evaluator/session', { headers: { accept: 'application/json' } })).toEqual([
      500,
      '"queue.unavailable"',
    ]);
  } finally {
    server.close();
  }
});
