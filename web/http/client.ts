import type { Problem } from '../../shared/contracts/problem.ts';
import { signInAgain } from './sign-in.ts';

/** A request that was refused, or that nobody answered, in words for the person who made it. */
export class RequestFailed extends Error {
  override name = 'RequestFailed';
  /** 0 when there was no answer. */
  readonly status: number;
  readonly title: string;
  readonly problem: Problem | undefined;

  constructor(status: number, title: string, detail: string, problem?: Problem) {
    super(detail);
    this.status = status;
    this.title = title;
    this.problem = problem;
  }
}

/** An address of the API, wherever the service is mounted: the page lies at its root. */
export const apiUrl = (path: string): string => new URL(path.replace(/^\//, ''), document.baseURI.split('#')[0]).href;

/**
 * Asks the API for JSON.
 * @throws {RequestFailed} also when there is no answer; an aborted request throws what it was aborted with.
 */
export async function fetchJson<Body>(path: string, init: RequestInit & { accepted?: number[] } = {}): Promise<Body> {
  const response = await fetchApi(path, init);
  return (response.status === 204 ? undefined : await response.json()) as Body;
}

/** Like {@link ask}, with the body unread. `accepted`: statuses beside 2xx whose body is an answer. */
export async function fetchApi(
  path: string,
  { accepted = [], ...init }: RequestInit & { accepted?: number[] } = {},
): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(apiUrl(path), init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw noAnswer();
  }
  if (response.ok || accepted.includes(response.status)) return response;
  throw failureOf(response.status, await response.text());
}

const noAnswer = (): RequestFailed =>
  new RequestFailed(0, 'The service does not answer', 'Is it running, and is this machine connected to it?');

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
