import { UsageError } from './failures.ts';

const milliseconds = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/**
 * Returns the ms of a duration such as `90d`, `24h`, `30m`, `45s`, `2w` or `0`.
 * @throws {UsageError} for any other text.
 */
export function parseDuration(text: string): number {
  const [, count = '', unit] = /^(\d{1,6})([smhdw])$/.exec(text) ?? (text === '0' ? ['', '0', 's'] : []);
  if (unit === undefined) throw new UsageError(`${JSON.stringify(text.slice(0, 40))} is not a duration such as 24h`);
  return Number(count) * milliseconds[unit as keyof typeof milliseconds];
}

/**
 * Parses a future time: a duration from now, a date (`2027-01-31` is its start in UTC), or a date with a time.
 * @throws {UsageError} for any other text, and for a time in the past.
 */
export function parseMoment(text: string, now = Date.now()): Date {
  const isDate = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text);
  const moment = new Date(isDate ? text : now + parseDuration(text));
  if (Number.isNaN(moment.getTime())) throw new UsageError(`${JSON.stringify(text)} is not a date`);
  if (moment.getTime() <= now) throw new UsageError(`${JSON.stringify(text)} is in the past`);
  return moment;
}
