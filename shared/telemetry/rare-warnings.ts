import type { Logger } from '../log.ts';

/** The time in ms after a logged warning during which similar warnings are only counted. */
export const quietMs = 10 * 60_000;

/**
 * Returns a function that logs the first warning of a kind, and then one every {@link quietMs} with the number skipped.
 * Warnings that differ only in numbers are of the same kind. An unreachable trace collector, for example, causes one
 * every few seconds.
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
