const whole = new Intl.NumberFormat('en');

/** A no-break space, so that a number and its unit stay in one line. */
const nbsp = '\u00a0';

export const count = (value: number): string => whole.format(value);

/** @param noun in the singular; its plural ends in s. */
export const counted = (value: number, noun: string): string => `${count(value)} ${noun}${value === 1 ? '' : 's'}`;

/** Formats a rate per second, for rates from about 0.4 to 40,000. */
export const rate = (perSecond: number): string =>
  perSecond >= 100 ? count(Math.round(perSecond)) : perSecond.toFixed(perSecond >= 10 ? 0 : 1);

/** Formats a number with its minus sign (not a hyphen). Zero has no sign. */
export function decimal(value: number, decimals: number): string {
  const text = value.toFixed(decimals);
  return text.replace('-', Number(text) === 0 ? '' : '−');
}

export const cosine = (value: number): string => decimal(value, 4);

/** Formats a difference with its sign. */
export const signed = (value: number, decimals = 2): string =>
  `${Number(value.toFixed(decimals)) > 0 ? '+' : ''}${decimal(value, decimals)}`;

export const score = (value: number): string => value.toFixed(1);

/** The maximum number of decimals of a score in the API. */
const scoreDecimals = 4;

/**
 * Formats a score next to thresholds or edges of bands. It gets more decimals if rounding would move it to the other
 * side of one of them.
 */
export function scoreBetween(value: number, edges: readonly number[], decimals = 1): string {
  for (let each = decimals; each < scoreDecimals; each++) {
    const rounded = value.toFixed(each);
    if (edges.every((edge) => Number(rounded) >= edge === value >= edge)) return rounded;
  }
  return String(value);
}

/** Formats a threshold with at least one decimal and without rounding. */
export const threshold = (value: number): string => (toTenth(value) === value ? score(value) : String(value));

/** Describes an upper limit of scores. A limit one step below a shorter number excludes that number: below 28. */
export function upperLimit(limit: number): { word: 'to' | 'below'; value: string } {
  const next = String(Number((limit + 10 ** -scoreDecimals).toFixed(scoreDecimals)));
  const value = String(limit);
  return next.length < value.length ? { word: 'below', value: next } : { word: 'to', value };
}

const toTenth = (value: number): number => Number(value.toFixed(1));

export const percent = (share: number): string => {
  const value = share * 100;
  if (value > 0 && value < 0.1) return `<0.1${nbsp}%`;
  if (value >= 99.95 && value < 100) return `>99.9${nbsp}%`;
  return `${value.toFixed(value === 0 || value >= 100 ? 0 : 1)}${nbsp}%`;
};

export function bytes(value: number): string {
  if (value < 1e3) return `${value}${nbsp}B`;
  if (value < 1e6) return `${(value / 1e3).toFixed(0)}${nbsp}kB`;
  return value < 1e9 ? `${(value / 1e6).toFixed(1)}${nbsp}MB` : `${(value / 1e9).toFixed(2)}${nbsp}GB`;
}

/** Formats a duration in s in its two largest units, such as minutes and seconds. */
export function duration(seconds: number): string {
  if (seconds < 0.05) return `<0.1${nbsp}s`;
  if (seconds < 9.95) return `${seconds.toFixed(1)}${nbsp}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}${nbsp}s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)}${nbsp}min ${whole % 60}${nbsp}s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)}${nbsp}h ${minutes % 60}${nbsp}min`;
  const hours = Math.round(seconds / 3_600);
  return `${Math.floor(hours / 24)}${nbsp}d ${hours % 24}${nbsp}h`;
}

export function ago(iso: string, now = Date.now()): string {
  const seconds = Math.max(0, (now - Date.parse(iso)) / 1000);
  if (seconds < 10) return 'just now';
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

export const dateTime = (iso: string): string =>
  new Date(iso).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' });

export const clock = (ms: number): string => new Date(ms).toLocaleTimeString('en-GB');

export function milliseconds(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1000).toFixed(ms >= 10_000 ? 0 : 1)}${nbsp}s`;
  return ms >= 10 ? `${ms.toFixed(0)}${nbsp}ms` : tenthsOfMs(ms);
}

export const tenthsOfMs = (ms: number): string => `${ms < 0.05 ? '<0.1' : ms.toFixed(1)}${nbsp}ms`;

/** Formats a rate with its unit. */
export const perSecond = (value: number, noun = ''): string =>
  `${value === 0 ? '0' : rate(value)}${nbsp}${noun}${noun && nbsp}/${nbsp}s`;

/** Formats a count on an axis that ends at `top`. All counts of an axis have the same unit, such as 5K and 20K. */
export function onAxis(value: number, top: number): string {
  const [unit, letter] = top >= 1e6 ? [1e6, 'M'] : top >= 1e4 ? [1e3, 'K'] : [1, ''];
  return value === 0 || unit === 1 ? count(value) : `${Number((value / unit).toFixed(2))}${letter}`;
}

export const points = (value: number): string => String(Number(value.toFixed(2)));
