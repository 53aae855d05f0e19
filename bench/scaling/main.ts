import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readable } from '../../testing/readable.ts';
import { horizons } from '../../testing/scaling/demand.ts';
import { readRule } from '../../testing/scaling/manifest.ts';
import { simulate } from '../../testing/scaling/simulation.ts';
import { type Figure, isMet, tableOf } from '../figures.ts';
import { createReport, writeReport } from '../report.ts';
import { figuresOf } from './figures.ts';
import { plotOf } from './plot.ts';
import { scenarios, worker } from './scenarios.ts';

/** The number of workers under load that changes: `npm run scaling`. Ends with 1 when a limit is exceeded. */
const usage = `npm run scaling -- [options] [SCENARIO...]
  --pace <n>         seconds of the simulation in a second, 1 by default
  --out <directory>  where results.json and the plots go, bench/results/scaling by default
Scenarios: ${scenarios.map(({ name, title }) => `\n  ${name.padEnd(13)} ${title}`).join('')}
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pace: { type: 'string', default: '1' },
    out: { type: 'string', default: fileURLToPath(new URL('../results/scaling', import.meta.url)) },
    help: { type: 'boolean' },
  },
});
const unknown = positionals.filter((name) => !scenarios.some((scenario) => scenario.name === name));
const pace = Number(values.pace);
if (values.help || unknown.length > 0 || !(pace > 0)) {
  process.stdout.write(unknown.length > 0 ? `There is no scenario ${unknown.join(', ')}.\n${usage}` : usage);
  process.exit(values.help ? 0 : 2);
}
// What the simulation has started ends with it, by the handlers of `exit` and by channels that close.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const rule = { ...readRule('fast'), itemsPerSecondOfWorker: worker.asked * worker.itemsPerSecond };
const chosen = scenarios.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
mkdirSync(values.out, { recursive: true });
// Side by side, each on a Redis of its own: all of them together need less than one core.
const runs = await Promise.allSettled(
  chosen.map(async (scenario): Promise<Figure[]> => {
    const say = (line: string) => process.stderr.write(`${scenario.name} ${line}\n`);
    const result = await simulate(scenario, { rule, horizon: horizons.cpu, worker, pace, say });
    writeFileSync(join(values.out, `scaling-${scenario.name}.svg`), plotOf(scenario.title, result.samples));
    writeFileSync(join(values.out, `${scenario.name}.json`), `${JSON.stringify(result)}\n`);
    return figuresOf(scenario, result);
  }),
);
const figures = runs.flatMap((run) => (run.status === 'fulfilled' ? run.value : []));
const failures = runs.flatMap((run) => (run.status === 'rejected' ? [String(run.reason)] : []));
writeReport(createReport(figures, pace !== 1), join(values.out, 'results.json'));
process.stdout.write(
  `${tableOf(figures)}\n\nA worker does ${worker.itemsPerSecond} items/s and is asked for ${readable(rule.itemsPerSecondOfWorker)}. The plots are in ${values.out}\n`,
);
for (const failure of failures) process.stderr.write(`${failure}\n`);
process.exit(failures.length === 0 && figures.every((figure) => isMet(figure) !== false) ? 0 : 1);
