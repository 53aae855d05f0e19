import { setTimeout as delay } from 'node:timers/promises';
import { type Client, createClient } from '../../testing/client.ts';
import { captions, type ImageHost, photoNames, readPhoto, startImageHost } from '../../testing/images/host.ts';
import { startProcess, type TestProcess } from '../../testing/processes/service.ts';
import { startRedis } from '../../testing/redis/single.ts';
import { startBalancer } from '../support/balancer.ts';
import { same } from './report.ts';

/** A Deployment, as far as it describes an update. */
interface Deployment {
  strategy: { rollingUpdate: { maxUnavailable: number | string; maxSurge: number | string } };
  template: {
    spec: {
      terminationGracePeriodSeconds: number;
      containers: { lifecycle?: { preStop?: { sleep?: { seconds: number } } } }[];
    };
  };
}

/** Time in ms until every node has removed an endpoint. It has to be shorter than `preStop`. */
const endpointsMs = 2_000;

/** Deletes a pod as the kubelet does: `preStop`, SIGTERM, and SIGKILL after the grace period. Returns the exit code. */
async function deletePod(pod: TestProcess, { template }: Deployment): Promise<number | null> {
  const { terminationGracePeriodSeconds, containers } = template.spec;
  const preStopMs = 1_000 * (containers[0]?.lifecycle?.preStop?.sleep?.seconds ?? 0);
  await delay(preStopMs);
  const kill = setTimeout(() => void pod.kill(), terminationGracePeriodSeconds * 1_000 - preStopMs);
  const code = await pod.stop();
  clearTimeout(kill);
  return code;
}

/**
 * Replaces an API and a worker under load, in the steps that a Deployment describes: with `maxUnavailable: 0` the new pod is
 * ready before the old one is removed from the endpoints. @throws {Error} if a request fails or an item is lost.
 */
export async function rollingUpdate(api: Deployment, worker: Deployment): Promise<string> {
  same(api.strategy.rollingUpdate, { maxSurge: 1, maxUnavailable: 0 }, 'the strategy of the API');
  const [redis, host, balancer] = await Promise.all([startRedis(), startImageHost(), startBalancer()]);
  const env = {
    REDIS_URL: redis.url,
    IMAGE_HOSTS_ALLOW: host.authority,
    ENCODERS: '1',
    EMBEDDING_CACHE_MB: '0',
    MICRO_BATCH: '1',
    LOG_LEVEL: 'warn',
  };
  // On a machine with other work, an API refuses for a moment, and says when to try again.
  const client = createClient(balancer.url, {}, 'patient');
  const started: TestProcess[] = [];
  const startPod = async (role: 'api' | 'worker') => {
    const pod = await startProcess(role, env);
    started.push(pod);
    if (role === 'api') {
      balancer.add(pod.url);
      await balancer.untilUsed(pod.url);
    }
    return pod;
  };
  try {
    const old = { api: await startPod('api'), worker: await startPod('worker') };
    const load = startLoad(client, host);
    await startPod('api');
    const removed = delay(endpointsMs).then(() => balancer.remove(old.api.url));
    const codes = [await deletePod(old.api, api)];
    await removed;
    await startPod('worker');
    codes.push(await deletePod(old.worker, worker));
    const { answers, batches } = await load.end();
    same(balancer.faults, [], 'the list of faults');
    same(codes, [0, 0], 'the exit codes');
    same([...new Set(answers)], [200], 'the set of answers');
    for (const { id, items } of batches) {
      const finished = await client.batch.finished(id);
      same(finished.items.succeeded, items, 'the number of scored items');
      same((await client.batch.results(id)).length, items, 'the number of results');
    }
    return `${answers.length} single pairs, ${batches.length} batches`;
  } finally {
    await Promise.all(started.map((pod) => pod.stop()));
    await balancer.close();
    await Promise.all([redis.remove(), host.close()]);
  }
}

/** Singles, one after the other, and small and large batches in turn, until `end`. */
function startLoad(client: Client, host: ImageHost) {
  const pair = (at: number, text = '') => {
    const name = photoNames[at % photoNames.length] ?? '';
    return { image: host.url(`${name}?${text}`), text: `${captions[name]} ${text}` };
  };
  let isRunning = true;
  const answers: (number | string)[] = [];
  const batches: { id: string; items: number }[] = [];
  // Some 3 MB: an upload that takes a while, and that a refusal may interrupt.
  const inline = Array.from({ length: 40 }, (_, at) => {
    const name = photoNames[at % photoNames.length] ?? '';
    return { image: readPhoto(name).toString('base64'), text: captions[name] ?? '' };
  });
  async function singles(): Promise<void> {
    for (let at = 0; isRunning; at++) {
      answers.push(await client.single(pair(at, String(at))).then(({ status }) => status, String));
    }
  }
  async function posts(): Promise<void> {
    for (let at = 0; isRunning; at++) {
      const isLarge = at % 2 === 1;
      const items = isLarge ? inline : Array.from({ length: 40 }, (_, index) => pair(index, `${at}-${index}`));
      await client.batch.post(items).then(
        ({ status, body }) => {
          if (status !== 202) answers.push(`batch ${status}`);
          else batches.push({ id: body.id, items: items.length });
        },
        (error: Error) => answers.push(`batch ${error.cause ?? error}`),
      );
      await delay(1_000);
    }
  }
  const running = [singles(), posts()];
  return {
    async end() {
      isRunning = false;
      await Promise.all(running);
      return { answers, batches };
    },
  };
}
