import type { Logger } from '../log.ts';

/** The time in ms in which warnings of one kind are logged once. */
export const quietMs = 10 * 60_000;

/**
 * Returns a function that logs a warning. Warnings that differ only in numbers count as the same: the first is logged,
 * and then one every {@link quietMs} with the number of those skipped. An unreachable collector fails every few
 * seconds.
 */
export function warnRarely(log: Logger, title: string, now: () => number = Date.now): (detail: string) => void {
  const kinds = new Map<string, { nextAt: number; repeated: number }>();
  return (detail) => {
    const kind = detail.replaceAll(/\d+/g, '').slice(0, 100);
    const seen = kinds.get(kind);
    if (seen !== undefined && now() < seen.nextAt) {
      seen.repeated += 1;
      return;
    }
    log.warn({ detail: detail.slice(0, 500), ...(seen && { repeated: seen.repeated }) }, title);
    kinds.set(kind, { nextAt: now() + quietMs, repeated: 0 });
  };
}
