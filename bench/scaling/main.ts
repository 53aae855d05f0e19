import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endOnSignals, print, readWords, say } from '../../testing/command.ts';
import { readable } from '../../testing/readable.ts';
import { horizons } from '../../testing/scaling/demand.ts';
import { readRule } from '../../testing/scaling/manifest.ts';
import { simulate } from '../../testing/scaling/simulation.ts';
import { type Figure, isMet, tableOf } from '../figures.ts';
import { createReport, writeReport } from '../report.ts';
import { figuresOf } from './figures.ts';
import { plotOf } from './plot.ts';
import { scenarios, worker } from './scenarios.ts';

/**
 * Simulates the autoscaling of workers under changing load: `npm run scaling`. Exits with 1 when a limit is exceeded.
 */
const usage = `npm run scaling -- [options] [SCENARIO...]
  --pace <n>         seconds of the simulation in a second, 1 by default
  --out <directory>  directory for results.json and the plots, bench/results/scaling by default
Scenarios: ${scenarios.map(({ name, title }) => `\n  ${name.padEnd(13)} ${title}`).join('')}
`;

const paceOf = (words: { values: { pace?: string } }) => Number(words.values.pace ?? 1);
const words = readWords(usage, ['pace', 'out'], [], (given) => {
  const unknown = given.positionals.find((word) => !scenarios.some(({ name }) => name === word));
  if (unknown !== undefined) return `There is no scenario ${unknown}.`;
  return !(paceOf(given) > 0) && '--pace must be a number above zero.';
});
const { positionals } = words;
const pace = paceOf(words);
const out = words.values.out ?? fileURLToPath(new URL('../results/scaling', import.meta.url));
endOnSignals();

const rule = { ...readRule('fast'), itemsPerSecondOfWorker: worker.asked * worker.itemsPerSecond };
const chosen = scenarios.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
mkdirSync(out, { recursive: true });
// Concurrent scenarios, each with its own Redis, need less than one core together.
const runs = await Promise.allSettled(
  chosen.map(async (scenario): Promise<Figure[]> => {
    const sayIt = (line: string) => say(`${scenario.name} ${line}`);
    const result = await simulate(scenario, { rule, horizon: horizons.cpu, worker, pace, say: sayIt });
    writeFileSync(join(out, `scaling-${scenario.name}.svg`), plotOf(scenario.title, result.samples));
    writeFileSync(join(out, `${scenario.name}.json`), `${JSON.stringify(result)}\n`);
    return figuresOf(scenario, result);
  }),
);
const figures = runs.flatMap((run) => (run.status === 'fulfilled' ? run.value : []));
const failures = runs.flatMap((run) => (run.status === 'rejected' ? [String(run.reason)] : []));
writeReport(createReport(figures, pace !== 1), join(out, 'results.json'));
print(
  `${tableOf(figures)}\n\nA worker can process ${worker.itemsPerSecond} items/s; the scaling rule assumes ${readable(rule.itemsPerSecondOfWorker)} items/s for each worker. The plots are in ${out}`,
);
for (const failure of failures) say(failure);
process.exit(failures.length === 0 && figures.every((figure) => isMet(figure) !== false) ? 0 : 1);
