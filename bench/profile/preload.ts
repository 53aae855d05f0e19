import { existsSync, mkdirSync, renameSync, watch, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

/**
 * Samples a process that preloads this file, while the directory has the file `start` and not yet `stop`. Node's
 * `--cpu-prof` also samples the startup, and writes only at a normal exit, but encoders are killed.
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
    // Renamed when complete, so that readers never see an incomplete file.
    writeFileSync(`${file}.partial`, JSON.stringify(profile));
    renameSync(`${file}.partial`, file);
  }
}

// Worker threads run native code.
if (isMainThread) {
  mkdirSync(directory, { recursive: true });
  watch(directory, { persistent: false }, () => void look());
}
