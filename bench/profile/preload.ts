import { existsSync, mkdirSync, renameSync, watch, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

/**
 * Samples a process of a profiled service. All its processes preload this file
 * (`NODE_OPTIONS=--import=…/preload.ts?directory=…`). Sampling begins when the file `start` appears in the directory,
 * and ends when the file `stop` appears. The process then writes `<title>-<pid>.cpuprofile` to the directory. Node's
 * `--cpu-prof` cannot replace this file: it writes a profile only when a process exits normally, but encoders are
 * killed. It would also sample the startup.
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
    // The file is renamed when it is complete, so that readers never see an incomplete one.
    writeFileSync(`${file}.partial`, JSON.stringify(profile));
    renameSync(`${file}.partial`, file);
  }
}

// Worker threads are not sampled, because they run native code.
if (isMainThread) {
  mkdirSync(directory, { recursive: true });
  watch(directory, { persistent: false }, () => void look());
}
