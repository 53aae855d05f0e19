import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createClient } from '../../testing/client.ts';
import { readable } from '../../testing/readable.ts';
import { median } from '../../testing/statistics.ts';
import { type Figure, figure, most } from '../figures.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const photo = readFileSync(join(root, 'examples/photos/chelsea.jpg')).toString('base64');

/** Measures the time from `npm start` to the first score, with everything installed and its own Redis. */
export async function benchStart(times: number, say: (line: string) => void): Promise<Figure[]> {
  const seconds: number[] = [];
  for (let run = 0; run < times; run++) {
    seconds.push(await startOnce());
    say(`start: ${readable(seconds.at(-1) ?? 0)} s`);
  }
  const detail = `median of ${seconds.map(readable).join(', ')}`;
  return [
    figure(
      'start/first-score',
      'npm start, from the start of the process to the first score',
      median(seconds),
      's',
      detail,
      most(3),
    ),
  ];
}

async function startOnce(): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'vls-bench-start-'));
  const begin = performance.now();
  // In its own process group, npm, its shell and the supervisor are stopped together.
  const npm = spawn('npm', ['start'], {
    cwd: root,
    detached: true,
    env: { ...process.env, DATA_DIR: directory, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(npm, 'exit');
  const stop = () => {
    if (npm.pid !== undefined && npm.exitCode === null) process.kill(-npm.pid, 'SIGTERM');
  };
  process.once('exit', stop);
  try {
    const url = await Promise.race([
      announcedUrl(npm.stdout),
      ended.then(() => Promise.reject(new Error('npm start ended before it was ready'))),
    ]);
    const answer = await createClient(url).single({ image: photo, text: 'a cat looking at the camera' });
    if (answer.status !== 200) throw new Error(`The first score failed: ${JSON.stringify(answer.body)}`);
    return (performance.now() - begin) / 1000;
  } finally {
    process.removeListener('exit', stop);
    stop();
    await ended;
    rmSync(directory, { recursive: true, force: true });
  }
}

async function announcedUrl(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    const match = /Page\s+(http\S+)\/evaluator\//.exec(line);
    if (match?.[1] !== undefined) return match[1];
  }
  throw new Error('npm start printed no address');
}
