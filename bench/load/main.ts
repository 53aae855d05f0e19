import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { forkScript } from '../../testing/processes/forked.ts';
import { startProcess } from '../../testing/processes/service.ts';
import { startRedis } from '../../testing/redis/single.ts';
import { plot, table } from './report.ts';
import { type Measured, runScenario } from './run.ts';
import { scenarios, type Target } from './scenarios.ts';

/**
 * Load on a service, against stated thresholds: `npm run load`. Without `--url` it starts a Redis, a service and a server
 * of images for itself, all on loopback. Ends with 1 when a threshold is missed.
 */
const usage = `npm run load -- [options] [scenario …]
  --url <address>      a running service, such as http://127.0.0.1:8000; by default one of its own
  --images <address>   images for that service: n is put in place of {n}; without it, scenarios by url are left out
  --key <key>          an API key
  --model <name>       profile or model; the default one when none is named
  --seconds <n>        time for each scenario, 15 by default
  --connections <n>    requests at a time, 8 by default
  --out <directory>    where results.json and latency.svg go, bench/load/results by default
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

interface Service {
  url: string;
  target: Pick<Target, 'imageUrl'>;
  close(): Promise<void>;
}

async function startOwn(): Promise<Service> {
  const [images, redis] = await Promise.all([
    forkScript<{ authority: string }>('bench/processes/image-server.ts'),
    startRedis(),
  ]);
  const { authority } = images.ready;
  const service = await startProcess('service', {
    REDIS_URL: redis.url,
    IMAGE_HOSTS_ALLOW: authority,
    LOG_LEVEL: 'error',
  });
  return {
    url: service.url,
    target: { imageUrl: (n) => `http://${authority}/picture.jpg?n=${n}` },
    async close() {
      await service.stop();
      await Promise.all([images.stop(), redis.remove()]);
    },
  };
}

function useRunning(url: string): Service {
  const { images } = values;
  const target = images === undefined ? {} : { imageUrl: (n: number) => images.replace('{n}', String(n)) };
  return { url, target, close: async () => {} };
}

const service = values.url === undefined ? await startOwn() : useRunning(values.url);
const { key, model } = values;
const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
const target: Target = { ...service.target, ...(model !== undefined && { model }), headers };
const options = { url: service.url, seconds: Number(values.seconds), connections: Number(values.connections) };
const results: Measured[] = [];
for (const scenario of scenarios) {
  if (positionals.length > 0 && !positionals.includes(scenario.name)) continue;
  if (scenario.needsImages && target.imageUrl === undefined) {
    say(`Left out: ${scenario.name}, which needs --images.`);
    continue;
  }
  say(`${scenario.name}: ${scenario.what}, ${options.seconds} s…`);
  results.push(await runScenario(scenario, target, options));
}
await service.close();

mkdirSync(values.out, { recursive: true });
writeFileSync(join(values.out, 'results.json'), `${JSON.stringify({ ...options, results }, null, 2)}\n`);
writeFileSync(join(values.out, 'latency.svg'), plot(results));
say(`\n${table(results)}\nresults.json and latency.svg are in ${values.out}`);
process.exitCode = results.every(({ verdicts }) => verdicts.every(({ passed }) => passed)) ? 0 : 1;
