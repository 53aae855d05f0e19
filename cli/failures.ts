/** `failed`: the command could not do its work. `someFailed`: it ran to its end, but some items have no score. */
export const exitCodes = { done: 0, failed: 1, usage: 2, unreachable: 3, someFailed: 4, interrupted: 130 } as const;

export interface Failure {
  code: string;
  message: string;
  advice: string | null;
  exitCode: number;
}

/** The error for a wrong use of a command. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** An error of a command that is not a usage error. `advice` says how to resolve it. */
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

/**
 * Converts an error to a failure by its name and fields. With `instanceof`, every command would load the modules of the
 * error classes.
 */
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
