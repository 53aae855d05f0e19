import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';
import { excerpt } from './errors.ts';
import { traceFields } from './telemetry/spans.ts';

export type { Logger } from 'pino';

/** Names under which secrets and image bytes travel, wherever in a line they stand on the first three levels. */
const secrets = ['authorization', 'cookie', 'base64', 'password', 'secret', 'token'];
const secretPaths = ['', '*.', '*.*.'].flatMap((above) => [
  ...secrets.map((name) => `${above}${name}`),
  ...['x-api-key', 'set-cookie'].map((name) => `${above}["${name}"]`.replace('.[', '[')),
]);

/** Longest message and stack of an error in a line, in characters: each includes those of its causes. */
const maxMessage = 2_000;
const maxStack = 8_000;

/** An error as it stands in a line. What a stranger sent may be in it, and does not decide how long the line is. */
function boundedError(error: Error): unknown {
  const serialized: unknown = pino.stdSerializers.err(error);
  if (typeof serialized !== 'object' || serialized === null) return serialized;
  const { message, stack } = serialized as { message?: unknown; stack?: unknown };
  return {
    ...serialized,
    ...(typeof message === 'string' && { message: excerpt(message, maxMessage) }),
    ...(typeof stack === 'string' && { stack: excerpt(stack, maxStack) }),
  };
}

/** What the lines of our logs look like. A line that belongs to a trace carries its id. */
export const logOptions = (options: { name: string; level: string }): LoggerOptions => ({
  name: options.name,
  level: options.level,
  redact: { paths: secretPaths, censor: '[redacted]' },
  mixin: traceFields,
  serializers: { err: boundedError },
  formatters: { level: (label: string) => ({ level: label }) },
  timestamp: pino.stdTimeFunctions.isoTime,
});

/** One line for each: a request has ten fields, and each would have a line of its own. */
export const onTerminal = { sync: true, ignore: 'pid,hostname', singleLine: true } as const;

/**
 * The structured log of one process: JSON lines on stdout, or readable lines when stdout is a terminal. Secrets and
 * image bytes never reach it.
 */
export async function createLogger(options: { name: string; level: string }): Promise<Logger> {
  const base = logOptions(options);
  if (!process.stdout.isTTY) return pino(base);
  // Loaded here so that a container, which never has a terminal, does not pay for it.
  const { default: pretty } = await import('pino-pretty');
  return pino(base, pretty(onTerminal) as DestinationStream);
}
