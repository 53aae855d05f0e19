import type { MultiBar, SingleBar } from 'cli-progress';
import type { PullEvent } from '../models/pulling/pull.ts';
import { megabytes, styled } from './output.ts';
import { counted, duration } from './progress.ts';
import { createThroughputMeter, type Throughput } from './throughput.ts';

export interface PullProgress {
  onEvent(event: PullEvent): void;
  stop(): void;
}

export const silent: PullProgress = { onEvent: () => {}, stop: () => {} };

/** The time in ms between two progress lines when the output is not a terminal. */
const lineEveryMs = 10_000;

/**
 * Shows a progress bar for each file on a terminal, and elsewhere a line every ten seconds and for each finished file.
 */
export async function showPull(
  model: string,
  stream: NodeJS.WriteStream,
  { everyMs = lineEveryMs }: { everyMs?: number } = {},
): Promise<PullProgress> {
  return stream.isTTY ? await bars(model, stream) : lines(model, stream, everyMs);
}

/** Creates a meter of the download speed of each file. A restarted download starts a new measurement. */
function createMeter(): (local: string, received: number, total: number | undefined) => string {
  const files = new Map<string, { received: number; rate: ReturnType<typeof createThroughputMeter> }>();
  return (local, received, total) => {
    const known = files.get(local);
    const file = known === undefined || received < known.received ? { received, rate: createThroughputMeter() } : known;
    file.received = received;
    files.set(local, file);
    return speedOf(file.rate(received, total ?? received, performance.now()));
  };
}

function speedOf({ perSecond, etaSeconds }: Throughput): string {
  if (perSecond === null) return '';
  const left = etaSeconds !== null && etaSeconds > 0 ? `, ${duration(etaSeconds)} left` : '';
  return `${megabytes(perSecond)}/s${left}`;
}

const sizes = (received: number, total: number | undefined): string =>
  total === undefined ? megabytes(received) : `${megabytes(received)} of ${megabytes(total)}`;

function retryText({ reason, waitMs }: { reason: string; waitMs: number }): string {
  return waitMs < 1_000 ? `${reason}; trying again` : `${reason}; waiting ${duration(waitMs / 1_000)}`;
}

function lines(model: string, stream: NodeJS.WriteStream, everyMs: number): PullProgress {
  const say = (text: string) => void stream.write(`${model}: ${text}\n`);
  const meter = createMeter();
  /** Describes the current work of the download. A timer prints it every `everyMs`. */
  let current: (() => string) | undefined;
  const timer = setInterval(() => {
    if (current !== undefined) say(current());
  }, everyMs);
  timer.unref();
  return {
    onEvent(event) {
      switch (event.type) {
        case 'waiting':
          say('another process is pulling this model; waiting');
          current = () => 'waiting for another process that is pulling this model';
          break;
        case 'asking':
          say(`asking ${event.hub}`);
          current = () => `waiting for an answer from ${event.hub}`;
          break;
        case 'planned':
          current = undefined;
          say(`${counted(event.files.length, 'file')}, ${sum(event.files)}`);
          break;
        case 'progress': {
          const speed = meter(event.local, event.received, event.total);
          const at = `${event.local}: ${sizes(event.received, event.total)}`;
          current = () => (speed === '' ? at : `${at}, ${speed}`);
          break;
        }
        case 'retry':
          say(`${event.local}: ${retryText(event)}`);
          break;
        case 'verified':
          current = undefined;
          say(`${event.local} (${megabytes(event.bytes)}) verified`);
          break;
      }
    },
    stop: () => clearInterval(timer),
  };
}

const sum = (files: { bytes: number | undefined }[]): string =>
  megabytes(files.reduce((all, { bytes }) => all + (bytes ?? 0), 0));

async function bars(model: string, stream: NodeJS.WriteStream): Promise<PullProgress> {
  // Imported here, so that other commands do not load it.
  const { default: cliProgress } = await import('cli-progress');
  const all: MultiBar = new cliProgress.MultiBar({
    stream,
    format: '{name} {bar} {percentage}% {size} {note}',
    hideCursor: true,
    emptyOnZero: true,
    barsize: 20,
    // The command handles Ctrl-C itself and stops the bars.
    gracefulExit: false,
  });
  const byFile = new Map<string, SingleBar>();
  const meter = createMeter();
  // The library prints lines only after the first bar exists.
  const say = (text: string) => (byFile.size === 0 ? void stream.write(`${text}\n`) : all.log(`${text}\n`));
  return {
    onEvent(event) {
      switch (event.type) {
        case 'waiting':
          say(`${model}: another process is pulling this model; waiting`);
          break;
        case 'asking':
          say(`${model}: asking ${event.hub}`);
          break;
        case 'planned': {
          const width = Math.max(...event.files.map(({ local }) => local.length));
          for (const { local, bytes } of event.files) {
            const size = bytes === undefined ? '' : megabytes(bytes);
            byFile.set(local, all.create(bytes ?? 0, 0, { name: local.padEnd(width), size, note: '' }));
          }
          break;
        }
        case 'progress': {
          const bar = byFile.get(event.local);
          if (event.total !== undefined) bar?.setTotal(event.total);
          const note = meter(event.local, event.received, event.total);
          bar?.update(event.received, { size: sizes(event.received, event.total), note });
          break;
        }
        case 'retry':
          byFile.get(event.local)?.update({
            note: styled(
              stream,
              'yellow',
              event.waitMs < 1_000 ? 'trying again' : `waiting until ${clock(event.waitMs)}`,
            ),
          });
          say(`${event.local}: ${retryText(event)}`);
          break;
        case 'verified': {
          const bar = byFile.get(event.local);
          bar?.setTotal(event.bytes);
          bar?.update(event.bytes, { size: megabytes(event.bytes), note: styled(stream, 'green', 'verified') });
          break;
        }
      }
    },
    stop: () => {
      if (byFile.size > 0) all.stop();
    },
  };
}

const clock = (waitMs: number): string => new Date(Date.now() + waitMs).toTimeString().slice(0, 8);
