import { existsSync, mkdirSync, renameSync, watch, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

/**
 * Loaded into every process of a profiled service (`NODE_OPTIONS=--import=…/preload.ts?directory=…`): samples from when
 * the file `start` appears in the directory until `stop` does, and writes `<title>-<pid>.cpuprofile` there.
 * `--cpu-prof` writes when a process exits by itself, and encoders are killed; it would also sample the start.
 */
const directory = new URL(import.meta.url).searchParams.get('directory') ?? '';
const session = new Session();
let state: 'idle' | 'sampling' | 'done' = 'idle';

async function look(): Promise<void> {
  if (state === 'idle' && existsSync(join(directory, 'start'))) {
    state = 'sampling';
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: 500 });
    await session.post('Profiler.start');
    writeFileSync(join(directory, `${process.pid}.sampling`), '');
  }
  if (state === 'sampling' && existsSync(join(directory, 'stop'))) {
    state = 'done';
    const { profile } = await session.post('Profiler.stop');
    const file = join(directory, `${process.title}-${process.pid}.cpuprofile`);
    // Whoever waits for it must not see half of it.
    writeFileSync(`${file}.partial`, JSON.stringify(profile));
    renameSync(`${file}.partial`, file);
  }
}

// Threads of a process are not sampled: what they run is native.
if (isMainThread) {
  mkdirSync(directory, { recursive: true });
  watch(directory, { persistent: false }, () => void look());
}
