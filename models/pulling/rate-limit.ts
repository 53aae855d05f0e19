/**
 * Returns the wait in ms that a response states. The hub sends `RateLimit: "resolvers";r=0;t=172`: `r` requests remain,
 * and the window ends in `t` seconds. CDNs and proxies send `Retry-After`, in seconds or as a date. Seconds may be
 * rounded down, so one is added.
 */
export function waitStatedBy(headers: Headers, now: number = Date.now()): number | undefined {
  const waits: number[] = [];
  const limit = headers.get('ratelimit') ?? '';
  if (/;\s*r\s*=\s*0\b/.test(limit)) {
    const seconds = /;\s*t\s*=\s*(\d+)/.exec(limit)?.[1];
    if (seconds !== undefined) waits.push((Number(seconds) + 1) * 1000);
  }
  const after = headers.get('retry-after')?.trim();
  if (after !== undefined && /^\d+$/.test(after)) waits.push((Number(after) + 1) * 1000);
  else if (after !== undefined && !Number.isNaN(Date.parse(after))) waits.push(Math.max(0, Date.parse(after) - now));
  return waits.length === 0 ? undefined : Math.max(...waits);
}
