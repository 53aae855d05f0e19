import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';
import { excerpt } from './errors.ts';
import { traceFields } from './telemetry/spans.ts';

export type { Logger } from 'pino';

/**
 * The names of fields that contain secrets or image bytes. They are redacted in the first three levels of a log line.
 */
const secrets = ['authorization', 'cookie', 'base64', 'password', 'secret', 'token'];
const secretPaths = ['', '*.', '*.*.'].flatMap((above) => [
  ...secrets.map((name) => `${above}${name}`),
  ...['x-api-key', 'set-cookie'].map((name) => `${above}["${name}"]`.replace('.[', '[')),
]);

/**
 * The maximum lengths, in characters, of the message and of the stack of a logged error. Both include the causes of the
 * error.
 */
const maxMessage = 2_000;
const maxStack = 8_000;

/**
 * Converts an error to the fields of a log line. It limits their length, because an error may quote untrusted input.
 */
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

/** Returns the options of a logger. Log lines that are written within a trace contain the id of the trace. */
export const logOptions = (options: { name: string; level: string }): LoggerOptions => ({
  name: options.name,
  level: options.level,
  redact: { paths: secretPaths, censor: '[redacted]' },
  mixin: traceFields,
  serializers: { err: boundedError },
  formatters: { level: (label: string) => ({ level: label }) },
  timestamp: pino.stdTimeFunctions.isoTime,
});

/**
 * Options of pino-pretty that print each entry on one line. By default, pino-pretty prints each of the ten fields of a
 * request on a line of its own.
 */
export const onTerminal = { sync: true, ignore: 'pid,hostname', singleLine: true } as const;

/**
 * Creates the structured log of a process: JSON lines on stdout, or readable lines if stdout is a terminal. Secrets and
 * image bytes are redacted.
 */
export async function createLogger(options: { name: string; level: string }): Promise<Logger> {
  const base = logOptions(options);
  if (!process.stdout.isTTY) return pino(base);
  // pino-pretty is loaded on demand, because a container never has a terminal.
  const { default: pretty } = await import('pino-pretty');
  return pino(base, pretty(onTerminal) as DestinationStream);
}
