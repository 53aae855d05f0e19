import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';

type Line = Record<string, unknown> & { msg: string };

let child: ChildProcess;
let output: string;
let errors: string;
const waiting = new Set<() => void>();

afterEach(async () => {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
});

async function start(execArgv: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<void> {
  output = '';
  errors = '';
  child = fork(fileURLToPath(new URL('./fixtures/ill-fated.ts', import.meta.url)), [], {
    execArgv,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, LOG_LEVEL: 'info', ...env },
  });
  child.stdout?.on('data', (data: Buffer) => {
    output += data;
    for (const look of waiting) look();
  });
  child.stderr?.on('data', (data: Buffer) => (errors += data));
  await said('ready');
}

const lines = (): Line[] =>
  output
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Line);

/** Resolves with the line of this message that comes as the so-many-eth. */
async function said(message: string, count = 1): Promise<Line> {
  return await new Promise((resolve) => {
    const look = () => {
      const line = lines().filter(({ msg }) => msg === message)[count - 1];
      if (line === undefined) return;
      waiting.delete(look);
      resolve(line);
    };
    waiting.add(look);
    look();
  });
}

test.each([
  ['throw', 'thrown where nobody catches'],
  ['reject', 'rejected where nobody looks'],
])('what nobody catches (%s) ends the process and leaves its reason and its stack', async (fate, message) => {
  await start();
  child.send(fate);
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(1);
  const { level, err } = await said('crashed');
  expect(level).toBe('fatal');
  expect(err).toMatchObject({ message });
  expect((err as { stack: string }).stack).toContain('ill-fated.ts');
});

test('a heap that is full, which no handler sees, says so on stderr', async () => {
  await start(['--max-old-space-size=20']);
  child.send('fill');
  const [, signal] = (await once(child, 'close')) as [number | null, string];
  expect(signal).toBe('SIGABRT');
  expect(errors).toContain('JavaScript heap out of memory');
});

test('a misspelt setting is a warning with the right name', async () => {
  await start([], { IMAGE_HOSTS_ALOW: 'a.test' });
  const { level, variable } = await said(
    'IMAGE_HOSTS_ALOW is not a setting and has no effect; rename it to IMAGE_HOSTS_ALLOW, if that is the setting you mean',
  );
  expect({ level, variable }).toEqual({ level: 'warn', variable: 'IMAGE_HOSTS_ALOW' });
});

test('SIGUSR2 turns debug messages on, and the next one off again', async () => {
  await start();
  child.send('whisper');
  await said('said aloud');
  child.kill('SIGUSR2');
  expect(await said('log level')).toMatchObject({ now: 'debug' });
  child.send('whisper');
  await said('a whisper');
  child.kill('SIGUSR2');
  await said('log level', 2);
  child.send('whisper');
  await said('said aloud', 3);
  expect(lines().filter(({ msg }) => msg === 'a whisper')).toHaveLength(1);
});
