import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';
import { excerpt } from './errors.ts';
import { traceFields } from './telemetry/spans.ts';

export type { Logger } from 'pino';

/** Fields with secrets or image bytes, redacted in the first three levels of a log line. */
const secrets = ['authorization', 'cookie', 'base64', 'password', 'secret', 'token'];
const secretPaths = ['', '*.', '*.*.'].flatMap((above) => [
  ...secrets.map((name) => `${above}${name}`),
  ...['x-api-key', 'set-cookie'].map((name) => `${above}["${name}"]`.replace('.[', '[')),
]);

/** The maximum lengths in characters of a logged error's message and stack, including causes. */
const maxMessage = 2_000;
const maxStack = 8_000;

/** Limits the length of a logged error, which may quote untrusted input. */
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

/** Returns the options of a logger whose lines contain the current trace id, if any. */
export const logOptions = (options: { name: string; level: string }): LoggerOptions => ({
  name: options.name,
  level: options.level,
  redact: { paths: secretPaths, censor: '[redacted]' },
  mixin: traceFields,
  serializers: { err: boundedError },
  formatters: { level: (label: string) => ({ level: label }) },
  timestamp: pino.stdTimeFunctions.isoTime,
});

/** Prints each entry on one line. By default, pino-pretty prints each field of a request on its own line. */
export const onTerminal = { sync: true, ignore: 'pid,hostname', singleLine: true } as const;

/** Creates the log of a process: JSON lines, or readable lines on a terminal. Secrets and image bytes are redacted. */
export async function createLogger(options: { name: string; level: string }): Promise<Logger> {
  const base = logOptions(options);
  if (!process.stdout.isTTY) return pino(base);
  // Loaded on demand, because a container never has a terminal.
  const { default: pretty } = await import('pino-pretty');
  return pino(base, pretty(onTerminal) as DestinationStream);
}
