import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bearer } from '../../testing/key-file.ts';
import { install } from '../installation.ts';
import { loadTable, type Measured, runScenario } from './run.ts';
import { scenarios } from './scenarios.ts';

/**
 * Load on a service, against stated thresholds: `npm run load`. Without `--url` it starts a Redis, a service and an image
 * server, all on loopback. Ends with 1 when a threshold is missed.
 */
const usage = `npm run load -- [options] [scenario …]
  --url <address>      a running service, such as http://127.0.0.1:8000; by default it starts one
  --images <address>   images for that service: n is put in place of {n}; without it, scenarios by url are left out
  --key <key>          an API key
  --model <name>       profile or model; the default one when none is named
  --seconds <n>        time for each scenario, 15 by default
  --connections <n>    requests at a time, 8 by default
  --out <directory>    where results.json goes, bench/load/results by default
Scenarios: ${scenarios.map(({ name, what }) => `\n  ${name.padEnd(15)} ${what}`).join('')}
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: 'string' },
    images: { type: 'string' },
    key: { type: 'string' },
    model: { type: 'string' },
    seconds: { type: 'string', default: '15' },
    connections: { type: 'string', default: '8' },
    out: { type: 'string', default: fileURLToPath(new URL('results', import.meta.url)) },
    help: { type: 'boolean' },
  },
});
// What this has started ends with it, by the handlers of `exit` and by channels that close.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const say = (text: string) => process.stdout.write(`${text}\n`);

const unknown = positionals.filter((name) => !scenarios.some((scenario) => scenario.name === name));
if (values.help || unknown.length > 0) {
  say(unknown.length > 0 ? `There is no scenario ${unknown.join(', ')}.\n${usage}` : usage);
  process.exit(unknown.length > 0 ? 2 : 0);
}

const { images, key, model, out } = values;
const own = values.url === undefined ? await install({ env: { EMBEDDING_CACHE_MB: '64' } }) : undefined;
const addresses = own === undefined ? images : `http://${own.images[0]?.ready.authority}/image.jpg?n={n}`;
const options = {
  url: values.url ?? own?.processes[0].url ?? '',
  seconds: Number(values.seconds),
  connections: Number(values.connections),
};
const results: Measured[] = [];
for (const scenario of scenarios) {
  if (positionals.length > 0 && !positionals.includes(scenario.name)) continue;
  if (scenario.needsImages && addresses === undefined) {
    say(`Left out: ${scenario.name}, which needs --images.`);
    continue;
  }
  say(`${scenario.name}: ${scenario.what}, ${options.seconds} s…`);
  const imageUrl = addresses === undefined ? undefined : (n: number) => addresses.replace('{n}', String(n));
  const headers = key === undefined ? {} : bearer(key);
  results.push(await runScenario(scenario, { ...options, headers, model, imageUrl }));
}
await own?.close();

mkdirSync(out, { recursive: true });
writeFileSync(join(out, 'results.json'), `${JSON.stringify({ ...options, results }, null, 2)}\n`);
say(`\n${loadTable(results)}\nresults.json is in ${out}`);
process.exitCode = results.every(({ verdicts }) => verdicts.every(({ passed }) => passed)) ? 0 : 1;
