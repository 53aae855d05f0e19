import { setTimeout as delay } from 'node:timers/promises';
import type { ResultsPage } from '../shared/contracts/batch/results.ts';
import type { BatchStatus } from '../shared/contracts/batch/status.ts';
import type { Health } from '../shared/contracts/health.ts';
import type { ItemResult, Receipt } from '../shared/contracts/item.ts';
import type { Problem } from '../shared/contracts/problem.ts';
import { until } from './until.ts';

export interface Answer<Body> {
  status: number;
  headers: Headers;
  body: Body;
}

export interface SingleScore {
  score: number;
  cosine: number;
  receipt: Receipt;
}

/**
 * Creates a client of the HTTP API.
 * @param headers sent with each request.
 * @param patience `patient` repeats requests that a busy service refuses with `overloaded`.
 */
export function createClient(
  base: string,
  headers: Record<string, string> = {},
  patience: 'patient' | 'impatient' = 'impatient',
) {
  const root = `${base}/evaluator`;

  async function call<Body>(path: string, init?: RequestInit): Promise<Answer<Body>> {
    for (;;) {
      const answer = await ask<Body>(path, init);
      const { code } = answer.body as { code?: string };
      if (patience === 'impatient' || code !== 'overloaded') return answer;
      await delay(1000 * Number(answer.headers.get('retry-after')));
    }
  }

  async function ask<Body>(path: string, init?: RequestInit): Promise<Answer<Body>> {
    const response = await fetch(`${root}${path}`, { ...init, headers: { ...headers, ...init?.headers } });
    const text = await response.text();
    const isJson = /[/+]json(?:;|$)/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : text) as Body };
  }
  const post = <Body>(path: string, body: unknown) =>
    call<Body>(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });

  async function readPages(id: string, query: string, isLast: (page: ResultsPage) => boolean): Promise<ItemResult[]> {
    const results: ItemResult[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await call<ResultsPage>(`/v1/evaluation/batch/${id}/results?limit=100${query}${cursor}`);
      results.push(...body.results);
      if (isLast(body)) return results;
      cursor = `&cursor=${body.next}`;
    }
  }

  const batch = {
    post: <Body = BatchStatus>(items: unknown[], more: object = {}) =>
      post<Body>('/v1/evaluation/batch', { items, ...more }),
    status: (id: string) => call<BatchStatus>(`/v1/evaluation/batch/${id}`),
    async until(id: string, wanted: (status: BatchStatus) => boolean): Promise<BatchStatus> {
      const answer = await until(
        async () => {
          const found = await batch.status(id);
          // The API refuses a status request for a missing batch, so polling would never end.
          return ((found.status === 200 && wanted(found.body)) || (found.status >= 400 && found.status < 500)) && found;
        },
        { everyMs: 25, withinMs: 600_000 },
      );
      if (answer.status !== 200)
        throw new Error(`Batch ${id} answers ${answer.status}: ${JSON.stringify(answer.body)}`);
      return answer.body;
    },
    finished: (id: string) => batch.until(id, ({ finishedAt }) => finishedAt !== null),
    /** Returns all results of a batch that has ended. */
    async results(id: string, query = ''): Promise<ItemResult[]> {
      return await readPages(id, query, ({ next }) => next === null);
    },
    /** Returns the results so far. While a batch runs, every page has a cursor, and an empty page is the last. */
    async resultsSoFar(id: string): Promise<ItemResult[]> {
      return await readPages(id, '', ({ next, results }) => next === null || results.length === 0);
    },
  };

  return {
    call,
    post,
    batch,
    single: <Body = SingleScore>(body: unknown) => post<Body>('/v1/evaluation/single', body),
    problem: (path: string, init?: RequestInit) => call<Problem>(path, init),
    health: () => call<Health>('/health'),
  };
}

export type Client = ReturnType<typeof createClient>;
