import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readConfig } from '../../shared/config.ts';
import { endOnSignals, print, readWords } from '../../testing/command.ts';
import { install } from '../../testing/processes/installation.ts';
import { childrenOf } from '../../testing/processes/tree.ts';
import { readable } from '../../testing/readable.ts';
import { sum } from '../../testing/statistics.ts';
import { until } from '../../testing/until.ts';
import { table } from '../figures.ts';
import { type BenchModelId, benchModels, writeRegistry } from '../models.ts';
import { flameGraph } from './flame.ts';
import { type CpuProfile, selfTimes } from './self-time.ts';
import { readStages, stagesBetween } from './stage-times.ts';

const usage = `npm run profile -- [--model MODEL] [--items N] [--latency MS] [--flame FILE] [--out DIRECTORY]

  --model    one of ${Object.keys(benchModels).join(', ')}; compact by default
  --items    of the batch; about twenty seconds by default
  --latency  of the image server, in milliseconds; 0 by default
  --flame    an SVG file for a flame graph of the worker
  --out      directory for the .cpuprofile files; profile/<date> in DATA_DIR by default
`;
/** The maximum number of functions that the report lists for each process. */
const shown = 8;

const { values } = readWords(usage, ['model', 'items', 'latency', 'flame', 'out'], [], (words) => {
  const { model = 'compact', items = '1' } = words.values;
  if (!(model in benchModels)) return `There is no model ${model}.`;
  return !(Number.isInteger(Number(items)) && Number(items) > 0) && `${items} is not a number of items.`;
});
endOnSignals();
const model = benchModels[(values.model ?? 'compact') as BenchModelId];
const items = Number(values.items ?? model.items.full);
const date = new Date().toISOString().slice(0, 19).replaceAll(':', '');
const directory = resolve(values.out ?? join(readConfig().dataDir, 'profile', date));
mkdirSync(directory, { recursive: true });

const preload = new URL('./preload.ts', import.meta.url);
preload.searchParams.set('directory', directory);
const env = {
  ...writeRegistry(),
  MODEL: model.name,
  // Without a fixed value, the search for the best size would run while the profile is recorded.
  MICRO_BATCH: '8',
  NODE_OPTIONS: `--import=${preload.href}`,
};
const installation = await install({ roles: ['stub-api', 'worker'], env, latencies: [Number(values.latency ?? 0)] });
const [, worker] = installation.processes;
const stages = () => readStages(worker?.url ?? '');
try {
  await installation.batch(Math.ceil(items / 10));
  const before = await stages();
  const processes = 2 + childrenOf(worker?.pid ?? 0).length;
  const untilThere = (suffix: string) =>
    until(() => readdirSync(directory).filter((name) => name.endsWith(suffix)).length >= processes);
  writeFileSync(join(directory, 'start'), '');
  await untilThere('.sampling');
  const { seconds } = await installation.batch(items);
  const times = stagesBetween(before, await stages());
  writeFileSync(join(directory, 'stop'), '');
  await untilThere('.cpuprofile');
  print(`${items} items in ${readable(seconds)} s: ${readable(items / seconds)} items/s\n`);
  const rows = times.map(({ stage, calls, totalSeconds }) => [
    stage,
    String(calls),
    readable((1000 * totalSeconds) / calls),
    // By Little's law, the mean number of inputs in this stage at the same time.
    readable(totalSeconds / seconds),
  ]);
  print(`${table(['stage', 'calls', 'mean ms', 'in flight on average'], rows)}`);
} finally {
  await installation.close();
  for (const name of readdirSync(directory)) if (!name.endsWith('.cpuprofile')) rmSync(join(directory, name));
}
for (const name of readdirSync(directory).sort()) print(`\n${functionTable(join(directory, name))}`);
if (values.flame !== undefined) {
  const name = readdirSync(directory).find((file) => file.startsWith('vls-worker'));
  if (name === undefined) throw new Error('There is no profile of the worker');
  const profile = JSON.parse(readFileSync(join(directory, name), 'utf8')) as CpuProfile;
  const title = `CPU time of the main thread of a worker: a batch of ${items} items, model ${model.name}`;
  writeFileSync(values.flame, flameGraph(profile, title));
  print(`\nFlame graph: ${values.flame}`);
}
print('\nOpen a .cpuprofile in the Performance panel of Chromium, in VS Code or in speedscope.');
process.exit(0);

function functionTable(file: string): string {
  const times = selfTimes(JSON.parse(readFileSync(file, 'utf8')) as CpuProfile);
  const total = sum(times.map(({ milliseconds }) => milliseconds));
  const rows = times
    .slice(0, shown)
    .map(({ name, milliseconds }) => [`${((100 * milliseconds) / total).toFixed(1)} %`, name]);
  return `${file}\n${table(['', 'own time'], rows)}`;
}
