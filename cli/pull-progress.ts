import type { MultiBar, SingleBar } from 'cli-progress';
import type { PullEvent } from '../models/pulling/pull.ts';
import { megabytes, styled } from './output.ts';

/** Shows the pull of one model. */
export interface PullProgress {
  onEvent(event: PullEvent): void;
  stop(): void;
}

export const silent: PullProgress = { onEvent: () => {}, stop: () => {} };

/** A bar for each file on a terminal; a line for each finished file elsewhere. */
export async function showPull(model: string, stream: NodeJS.WriteStream): Promise<PullProgress> {
  return stream.isTTY ? await bars(model, stream) : lines(model, stream);
}

function lines(model: string, stream: NodeJS.WriteStream): PullProgress {
  const say = (text: string) => void stream.write(`${model}: ${text}\n`);
  return {
    onEvent(event) {
      if (event.type === 'waiting') say('another process pulls it; waiting');
      if (event.type === 'retry') say(`${event.local}: ${event.reason}; trying again`);
      if (event.type === 'verified') say(`${event.local} (${megabytes(event.bytes)}) verified`);
    },
    stop: () => {},
  };
}

async function bars(model: string, stream: NodeJS.WriteStream): Promise<PullProgress> {
  // Only here, so that no other command pays for it.
  const { default: cliProgress } = await import('cli-progress');
  const all: MultiBar = new cliProgress.MultiBar({
    stream,
    format: '{name} {bar} {percentage}% {size} {note}',
    hideCursor: true,
    emptyOnZero: true,
    barsize: 20,
  });
  const byFile = new Map<string, SingleBar>();
  let width = 0;
  const note = (local: string, text: string) => byFile.get(local)?.update({ note: text });
  return {
    onEvent(event) {
      switch (event.type) {
        case 'waiting':
          all.log(`${model}: another process pulls it; waiting\n`);
          break;
        case 'planned':
          width = Math.max(...event.files.map(({ local }) => local.length));
          for (const { local, bytes } of event.files) {
            const payload = { name: local.padEnd(width), size: bytes === undefined ? '' : megabytes(bytes), note: '' };
            byFile.set(local, all.create(bytes ?? 0, 0, payload));
          }
          break;
        case 'progress':
          byFile.get(event.local)?.update(event.received, { note: '' });
          break;
        case 'retry':
          note(event.local, styled(stream, 'yellow', 'trying again'));
          all.log(`${event.local}: ${event.reason}\n`);
          break;
        case 'verified':
          byFile.get(event.local)?.setTotal(event.bytes);
          byFile.get(event.local)?.update(event.bytes, { note: styled(stream, 'green', 'verified') });
          break;
      }
    },
    stop: () => all.stop(),
  };
}
