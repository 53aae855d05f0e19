/** A failure as the command line shows it. */
export interface Failure {
  code: string;
  message: string;
  /** What to do about it. */
  advice: string | null;
  exitCode: 1 | 2;
}

/** A command was used in a way that cannot work. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** Failures are told by name and fields, so that the rooms they come from are loaded by none but who needs them. */
export function failureOf(error: unknown): Failure {
  const { name, code, message, advice } = error as Error & { code?: unknown; advice?: unknown };
  const isConfiguration = name === 'ConfigError' || name === 'RegistryError';
  const isUsage = name === 'UsageError' || isConfiguration || code === 'model.unknown';
  return {
    code: typeof code === 'string' ? code : isConfiguration ? 'configuration' : isUsage ? 'usage' : 'failed',
    message: message ?? String(error),
    advice: typeof advice === 'string' ? advice : null,
    exitCode: isUsage ? 2 : 1,
  };
}
