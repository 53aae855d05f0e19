import { readdirSync } from 'node:fs';
import { print, readWords } from '../../testing/command.ts';
import { checkAttestations } from './checks-of-attestations.ts';
import { checkContainers } from './checks-of-containers.ts';
import { checkCrashes, checkObserverCrashes, checkRestarts, checkRestore, checkUpdate } from './checks-of-failures.ts';
import { checkGpuImage } from './checks-of-gpu-image.ts';
import { checkImage } from './checks-of-image.ts';
import { checkGrafana, checkPrometheus, checkTraces } from './checks-of-metrics.ts';
import { findEngine, hasImage, imageOf } from './engine.ts';
import { createReport, same } from './report.ts';
import { createStack } from './stack.ts';
import { complete, pair, post } from './work.ts';

/**
 * Builds the image, brings up the stack of docker-compose.yml under a project name of its own, uses it, breaks it, and
 * removes it. Exits with 1 if a check failed, and with 2 if there is no engine or an image that it needs cannot be had.
 */
const usage = `npm run deploy:check -- [options]
  --items <n>   items of each batch in which something is killed, 400 by default
  --gpu         builds the real GPU image too: some 10 GB
Variables such as REDIS_IMAGE=… name other images than deploy/images.json, as they do for docker compose.
`;
const { values } = readWords(usage, ['items'], ['gpu']);
const items = Number(values.items ?? 400);

const versions = await findEngine().catch((error: Error) => {
  print(error.message);
  process.exit(2);
});
const report = createReport();
print(`engine ${versions.engine || 'without a version'}, compose ${versions.compose}`);

const needed = ['node', 'redis'];
const optional = ['prometheus', 'grafana', 'jaeger'];
const missing: string[] = [];
for (const name of [...needed, ...optional]) {
  if (await hasImage(imageOf(name))) continue;
  if (needed.includes(name)) {
    print(`The image ${imageOf(name)} cannot be pulled. ${name.toUpperCase()}_IMAGE names another.`);
    process.exit(2);
  }
  missing.push(name);
}
const stack = await createStack(missing);
let removal: Promise<void> | undefined;
/** Once, also when a signal comes while the checks end. */
function remove(): Promise<void> {
  removal ??= stack.remove();
  return removal;
}
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void remove().finally(() => process.exit(1)));

try {
  const isBuilt = await report.check('both stages are built', async () => void (await stack.compose('build')));
  const image =
    process.env['VLS_IMAGE'] ?? `vision-language-similarity:${process.env['npm_package_version'] ?? '0.2.0'}`;
  if (isBuilt) {
    await checkImage(report, image);
    await checkAttestations(report, stack.directory, imageOf('node'));
    await checkGpuImage(report, stack.directory, image, imageOf('node'));
  }
  if (values.gpu)
    await report.check(
      'the GPU image is built with CUDA',
      async () => void (await stack.compose('--profile', 'gpu', 'build', 'worker-gpu')),
    );
  const isUp = isBuilt && (await report.check('the stack is healthy', async () => void (await stack.up())));
  if (isUp) await useIt(image);
  else {
    print(await stack.compose('logs', '--tail', '15').then(({ stdout }) => stdout, String));
  }
} finally {
  await report.check('containers, networks and volumes are removed', remove);
}
process.exit(report.end() > 0 ? 1 : 0);

async function useIt(image: string): Promise<void> {
  await checkContainers(report, stack);
  await report.check('a request without a key gets 401, and one with a key a score', async () => {
    same((await stack.stranger.single(pair(0, 'single'))).status, 401, 'the status without a key');
    const { status, body } = await stack.client.single(pair(0, 'single'));
    same(status, 200, 'the status with a key');
    return body.score.toFixed(1);
  });
  const batch = await post(stack, 60, 'first');
  await report.check('a batch is completed', () => complete(stack, batch, 60));
  await report.check('three workers start', async () => {
    await stack.up('--no-build', '--scale', 'worker=3');
    same((await stack.containers('worker')).length, 3, 'the number of workers');
  });
  if (missing.includes('prometheus')) report.skip('Prometheus', `there is no image ${imageOf('prometheus')}`);
  else await checkPrometheus(report, stack, 3);
  if (missing.includes('jaeger')) report.skip('Jaeger', `there is no image ${imageOf('jaeger')}`);
  else await checkTraces(report, stack, batch);
  if (missing.includes('grafana')) report.skip('Grafana', `there is no image ${imageOf('grafana')}`);
  else {
    const files = readdirSync(new URL('../../dashboards', import.meta.url)).filter((name) => name.endsWith('.json'));
    await checkGrafana(report, stack, files.length);
  }
  await checkCrashes(report, stack, items);
  const observers = optional.filter((name) => !missing.includes(name));
  await checkObserverCrashes(report, stack, observers);
  // After its crash, Prometheus finds all targets again.
  if (observers.includes('prometheus')) await checkPrometheus(report, stack, 3, ' after its crash');
  await checkUpdate(report, stack, image, items);
  await checkRestarts(report, stack, items);
  await checkRestore(report, stack, items);
  await report.check('API and workers log no warning about traces', async () => {
    const { stdout } = await stack.compose('logs', '--no-log-prefix', 'api', 'worker');
    const warnings = stdout.split('\n').filter((line) => line.includes('"msg":"traces"'));
    same(
      warnings.filter((line) => /host\.id|resource/.test(line)),
      [],
      'the list of warnings',
    );
  });
}
