/** `network`, `timeout` and `hub` are transient. */
export type PullCode =
  | 'network'
  | 'timeout'
  | 'hub'
  | 'offline'
  | 'blocked'
  | 'certificate'
  | 'intercepted'
  | 'unauthorized'
  | 'gated'
  | 'not_found'
  | 'wrong_commit'
  | 'wrong_hash'
  | 'unverified'
  | 'no_space'
  | 'disk'
  | 'unusable'
  | 'stopped';

/** The error of a failed pull (the download of a model). */
export class PullError extends Error {
  override name = 'PullError';
  readonly code: PullCode;
  readonly advice: string;
  /** The wait in ms for which the server asks. */
  readonly waitMs: number | undefined;
  /** True when a retry cannot help, even if the code is transient. */
  readonly isFinal: boolean;
  /** The maximum number of attempts with this error before the first byte; undefined for no limit of its own. */
  readonly attempts: number | undefined;

  constructor(
    code: PullCode,
    message: string,
    advice: string,
    more: { cause?: unknown; waitMs?: number | undefined; isFinal?: boolean; attempts?: number } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.advice = advice;
    this.waitMs = more.waitMs;
    this.isFinal = more.isFinal ?? false;
    this.attempts = more.attempts;
  }
}

export const isTransient = (error: unknown): error is PullError =>
  error instanceof PullError && !error.isFinal && ['network', 'timeout', 'hub'].includes(error.code);
