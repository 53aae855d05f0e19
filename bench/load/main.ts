import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endOnSignals, print, readWords } from '../../testing/command.ts';
import { bearer } from '../../testing/key-file.ts';
import { install } from '../../testing/processes/installation.ts';
import { loadTable, type Measured, runScenario } from './run.ts';
import { scenarios } from './scenarios.ts';

/**
 * Load test with thresholds: `npm run load`. Without `--url` it starts Redis, a service and an image server on
 * loopback. Exits with 1 when a threshold is missed.
 */
const usage = `npm run load -- [options] [scenario …]
  --url <address>      a running service, such as http://127.0.0.1:8000; by default it starts one
  --images <address>   address of images that this service can download, with {n} for a number; without it, the scenarios by url are skipped
  --key <key>          an API key
  --model <name>       profile or model; the default one when none is named
  --seconds <n>        time for each scenario, 15 by default
  --connections <n>    number of concurrent requests, 8 by default
  --out <directory>    directory for results.json, bench/load/results by default
Scenarios: ${scenarios.map(({ name, what }) => `\n  ${name.padEnd(15)} ${what}`).join('')}
`;

const texts = ['url', 'images', 'key', 'model', 'seconds', 'connections', 'out'] as const;
const { values, positionals } = readWords(usage, texts, [], (words) => {
  const unknown = words.positionals.find((word) => !scenarios.some(({ name }) => name === word));
  return unknown !== undefined && `There is no scenario ${unknown}.`;
});
endOnSignals();

const { images, key, model, seconds = '15', connections = '8' } = values;
const out = values.out ?? fileURLToPath(new URL('results', import.meta.url));
const own = values.url === undefined ? await install({ env: { EMBEDDING_CACHE_MB: '64' } }) : undefined;
const addresses = own === undefined ? images : `http://${own.images[0]?.ready.authority}/image.jpg?n={n}`;
const options = {
  url: values.url ?? own?.processes[0].url ?? '',
  seconds: Number(seconds),
  connections: Number(connections),
};
const results: Measured[] = [];
for (const scenario of scenarios) {
  if (positionals.length > 0 && !positionals.includes(scenario.name)) continue;
  if (scenario.needsImages && addresses === undefined) {
    print(`Left out: ${scenario.name}, which needs --images.`);
    continue;
  }
  print(`${scenario.name}: ${scenario.what}, ${options.seconds} s…`);
  const imageUrl = addresses === undefined ? undefined : (n: number) => addresses.replace('{n}', String(n));
  const headers = key === undefined ? {} : bearer(key);
  results.push(await runScenario(scenario, { ...options, headers, model, imageUrl }));
}
await own?.close();

mkdirSync(out, { recursive: true });
writeFileSync(join(out, 'results.json'), `${JSON.stringify({ ...options, results }, null, 2)}\n`);
print(`\n${loadTable(results)}\nresults.json is in ${out}`);
process.exitCode = results.every(({ verdicts }) => verdicts.every(({ passed }) => passed)) ? 0 : 1;
