/**
 * How a command ends.
 * `failed`: it could not do what it was told. `someFailed`: it has done it, and not every item has a score.
 */
export const exitCodes = { done: 0, failed: 1, usage: 2, unreachable: 3, someFailed: 4, interrupted: 130 } as const;

/** A failure as the command line shows it. */
export interface Failure {
  code: string;
  message: string;
  /** What to do about it. */
  advice: string | null;
  exitCode: number;
}

/** A command was used in a way that cannot work. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** Something else than the use of a command is in the way; the advice says how to remove it. */
export class CommandError extends Error {
  override name = 'CommandError';
  readonly code: string;
  readonly advice: string | undefined;
  readonly exitCode: number;

  constructor(
    code: string,
    message: string,
    more: { advice?: string | undefined; exitCode?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause });
    this.code = code;
    this.advice = more.advice;
    this.exitCode = more.exitCode ?? exitCodes.failed;
  }
}

/** Failures are told by name and fields, so that the rooms they come from are loaded by none but who needs them. */
export function failureOf(error: unknown): Failure {
  const { name, code, message, advice, exitCode } = error as Error & {
    code?: unknown;
    advice?: unknown;
    exitCode?: unknown;
  };
  const isConfiguration = name === 'ConfigError' || name === 'RegistryError';
  const isUsage = name === 'UsageError' || isConfiguration || code === 'model.unknown';
  return {
    code: typeof code === 'string' ? code : isConfiguration ? 'configuration' : isUsage ? 'usage' : 'failed',
    message: message ?? String(error),
    advice: typeof advice === 'string' ? advice : null,
    exitCode: isUsage ? exitCodes.usage : typeof exitCode === 'number' ? exitCode : exitCodes.failed,
  };
}
