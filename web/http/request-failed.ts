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
