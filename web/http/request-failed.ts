import type { Problem } from '../../shared/contracts/problem.ts';

/** A request that was refused or got no response. Users see its title and message. */
export class RequestFailed extends Error {
  override name = 'RequestFailed';
  /** The HTTP status; 0 without a response. */
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

/** Returns the failure of a request that got no response. */
export const noAnswer = (): RequestFailed =>
  new RequestFailed(0, 'The service does not answer', 'Check that it is running and that this machine can reach it.');
