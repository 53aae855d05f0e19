import { styled } from './output.ts';
import { createThroughputMeter, type Throughput } from './throughput.ts';

export interface Progress {
  /** Shows the rows and bytes sent so far, while the total is unknown. */
  sending(rows: number, bytes: number): void;
  update(counts: { done: number; failed: number; total: number }): void;
  /** Prints a line above the bar. */
  say(text: string): void;
  stop(): void;
}

export const noProgress: Progress = { sending: () => {}, update: () => {}, say: () => {}, stop: () => {} };

/** Shows a progress bar on a terminal, and elsewhere a line for every tenth of the work. */
export async function showProgress(stream: NodeJS.WriteStream): Promise<Progress> {
  return stream.isTTY ? await bar(stream) : lines(stream);
}

export const whole = (value: number): string => Math.round(value).toLocaleString('en-US');

/** Returns a number with its noun: `1 row`, `2 rows`. */
export const counted = (count: number, noun: string): string => `${whole(count)} ${noun}${count === 1 ? '' : 's'}`;

/** Formats an estimated time in s, rounded up: `42 s`, `3 min 5 s`, `2 h 14 min`. */
export function duration(seconds: number): string {
  const all = Math.ceil(seconds);
  if (all < 60) return `${all} s`;
  if (all < 3600) return `${Math.floor(all / 60)} min ${all % 60} s`;
  return `${Math.floor(all / 3600)} h ${Math.floor((all % 3600) / 60)} min`;
}

/** Formats an elapsed time in s: `0.4 s`, `42 s`, `3 min 5 s`. */
export const elapsed = (seconds: number): string =>
  seconds < 9.95 ? `${seconds.toFixed(1)} s` : duration(Math.round(seconds));

/** Formats a rate per second: `6.2`, `305`. */
export const rate = (perSecond: number): string => (perSecond < 10 ? perSecond.toFixed(1) : whole(perSecond));

function describe({ perSecond, etaSeconds }: Throughput): string {
  if (perSecond === null) return '';
  return `${rate(perSecond)}/s${etaSeconds !== null && etaSeconds > 0 ? `, ${duration(etaSeconds)} left` : ''}`;
}

function lines(stream: NodeJS.WriteStream): Progress {
  const meter = createThroughputMeter();
  const say = (text: string) => void stream.write(`${text}\n`);
  let tenths = 0;
  return {
    sending: () => {},
    update({ done, failed, total }) {
      const speed = describe(meter(done, total, performance.now()));
      const reached = total === 0 ? 0 : Math.floor((10 * done) / total);
      if (reached <= tenths) return;
      tenths = reached;
      const parts = [`${whole(done)} of ${whole(total)}`, speed, failed > 0 ? `${whole(failed)} failed` : ''];
      say(parts.filter((part) => part !== '').join(', '));
    },
    say,
    stop: () => {},
  };
}

async function bar(stream: NodeJS.WriteStream): Promise<Progress> {
  // Imported here, so that other commands do not load it.
  const { default: cliProgress } = await import('cli-progress');
  const meter = createThroughputMeter();
  const { Formatter } = cliProgress.Format;
  const all = new cliProgress.MultiBar({
    stream,
    // The number of rows is unknown while they are sent, so that line has no bar and no percentage.
    format: (options, params, payload) => {
      const share = payload.what === 'sending' ? '' : ' {bar} {percentage}%';
      return Formatter({ ...options, format: `{what}${share} {count} {note}` }, params, payload);
    },
    hideCursor: true,
    clearOnComplete: true,
    emptyOnZero: true,
    barsize: 24,
  });
  const single = all.create(0, 0, { what: 'sending', count: '', note: '' });
  return {
    sending(rows, bytes) {
      single.update(0, { what: 'sending', count: counted(rows, 'row'), note: `${(bytes / 1e6).toFixed(1)} MB` });
    },
    update({ done, failed, total }) {
      const speed = describe(meter(done, total, performance.now()));
      const failures = failed > 0 ? styled(stream, 'yellow', ` ${whole(failed)} failed`) : '';
      single.setTotal(total);
      single.update(done, { what: 'scoring', count: `${whole(done)}/${whole(total)}`, note: `${speed}${failures}` });
    },
    say: (text) => all.log(`${text}\n`),
    stop: () => all.stop(),
  };
}
