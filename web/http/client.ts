import type { Problem } from '../../shared/contracts/problem.ts';
import { answered } from './answered.ts';
import { RequestFailed } from './request-failed.ts';
import { signInAgain } from './sign-in.ts';
import { watchAnswer } from './unanswered.ts';

export { RequestFailed };

/** Returns the URL of an API path. It is relative to the page, because the service may be mounted below any path. */
export const apiUrl = (path: string): string => new URL(path.replace(/^\//, ''), document.baseURI.split('#')[0]).href;

/**
 * Requests JSON from the API.
 * @throws {RequestFailed} when the request is refused or gets no response. An aborted request throws the abort reason.
 */
export async function fetchJson<Body>(path: string, init: RequestInit & { accepted?: number[] } = {}): Promise<Body> {
  const response = await fetchApi(path, init);
  return (response.status === 204 ? undefined : await answered(() => response.json(), init.signal)) as Body;
}

/**
 * Requests a file of the page.
 * @throws {RequestFailed}
 */
export async function fetchAsset(url: string, signal: AbortSignal | null = null): Promise<Blob> {
  const response = await answered(() => fetch(url, { signal }), signal);
  if (!response.ok) throw failureOf(response.status, await answered(() => response.text(), signal));
  return await answered(() => response.blob(), signal);
}

/**
 * Like {@link fetchJson}, but returns the response before its body is read.
 * @param init `accepted`: HTTP statuses that count as success in addition to 2xx.
 */
export async function fetchApi(
  path: string,
  { accepted = [], ...init }: RequestInit & { accepted?: number[] } = {},
): Promise<Response> {
  const ask = () => fetch(apiUrl(path), init);
  const response = await answered(() => watchAnswer(ask, init.signal), init.signal);
  if (response.ok || accepted.includes(response.status)) return response;
  throw failureOf(response.status, await answered(() => response.text(), init.signal));
}

export function failureOf(status: number, body: string): RequestFailed {
  if (status === 401) signInAgain();
  const problem = readProblem(body);
  if (problem === undefined) return new RequestFailed(status, `The service answered ${status}`, body.slice(0, 300));
  return new RequestFailed(status, problem.title, problem.detail, problem);
}

function readProblem(body: string): Problem | undefined {
  try {
    const parsed: Partial<Problem> = JSON.parse(body);
    return typeof parsed.title === 'string' && typeof parsed.detail === 'string' ? (parsed as Problem) : undefined;
  } catch {
    return undefined;
  }
}
