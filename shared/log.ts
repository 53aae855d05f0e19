import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/**
 * The structured log of one process: JSON lines on stdout, or readable lines when stdout is a terminal.
 * Secrets and image bytes never reach it: headers that carry keys and inline images are redacted by path.
 */
export async function createLogger(options: { name: string; level: string }): Promise<Logger> {
  const base = {
    name: options.name,
    level: options.level,
    redact: {
      paths: ['req.headers.authorization', 'req.headers["x-api-key"]', 'req.headers.cookie', '*.base64'],
      censor: '[redacted]',
    },
    formatters: { level: (label: string) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  if (!process.stdout.isTTY) return pino(base);
  // Loaded here so that a container, which never has a terminal, does not pay for it.
  const { default: pretty } = await import('pino-pretty');
  return pino(base, pretty({ sync: true, ignore: 'pid,hostname' }) as DestinationStream);
}
