import { setTimeout as delay } from 'node:timers/promises';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import { defaultPrefix } from '../../shared/redis/prefix.ts';
import { createClient } from '../../testing/client.ts';
import { endOnSignals, print, readWords } from '../../testing/command.ts';
import { startProcess } from '../../testing/processes/service.ts';
import { startReplicatedCluster } from '../../testing/redis/cluster.ts';
import { startSentinels } from '../../testing/redis/sentinel.ts';
import type { TestServer } from '../../testing/redis/server.ts';
import { startBurners } from './burners.ts';

/**
 * Takes the master away from a running API and worker again and again, while two threads burn both processors, and
 * measures how long it takes until a batch that is posted afterwards has ended. A master is killed, frozen (no
 * connection is closed), or exchanged while it runs, in turns. Everything runs on this machine and ends by itself.
 */
const { positionals } = readWords(
  'npm run failovers -- [failovers] [sentinel|cluster|both], by default 50 both: 50 of each',
  [],
);
endOnSignals();
const [failovers = '50', which = 'both'] = positionals;

/** A failover after which no batch has ended for so long, in seconds, has failed. */
const bound = 30;
/** Waiting ends here, in seconds; the state of the processes is then printed. */
const giveUpAfter = 180;
const kinds = ['killed', 'frozen', 'exchanged'] as const;
type Kind = (typeof kinds)[number];

interface Site {
  url: string;
  roles(): Promise<{ master: TestServer; replica: TestServer }>;
  exchange(replica: TestServer): Promise<void>;
  remove(): Promise<void>;
}

const sites: Record<string, () => Promise<Site>> = {
  async sentinel() {
    const sentinels = await startSentinels();
    return {
      url: sentinels.url,
      roles: sentinels.roles,
      exchange: () => sentinels.switch(),
      remove: sentinels.remove,
    };
  },
  async cluster() {
    const cluster = await startReplicatedCluster();
    return {
      url: cluster.url,
      // The pair that holds the queues: that is where workers wait.
      roles: () => cluster.rolesOf(`{${defaultPrefix}}:batches:live`),
      exchange: (replica) => cluster.switch(replica),
      remove: cluster.remove,
    };
  },
};

/** Exchanges the two; returns when the replica is the master. */
async function exchanged(site: Site, replica: TestServer): Promise<void> {
  await site.exchange(replica);
  const client = replica.connect();
  while ((await client.role())[0] !== 'master') await delay(50);
  client.disconnect();
}

/** Times of one failover, in seconds since the loss of the master. */
interface Course {
  kind: Kind;
  /** A batch that was posted then has ended. */
  ended: number;
  /**
   * Of the batches that were acknowledged around it, how many have not ended whole: replication is asynchronous, and
   * what the replica had not got yet is gone with its master.
   */
  lost: number;
}

async function run(name: string, start: () => Promise<Site>): Promise<Course[]> {
  const site = await start();
  const env = { REDIS_URL: site.url, LOG_LEVEL: 'debug' };
  const [api, worker] = await Promise.all([startProcess('stub-api', env), startProcess('stub-worker', env)]);
  const client = createClient(api.url);
  const items = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ image: `https://example.org/${at}.jpg`, text: `text ${at}` }));
  const courses: Course[] = [];

  /** Posts until it is accepted; the id. */
  async function post(count: number, until: number): Promise<string | undefined> {
    while (performance.now() < until) {
      const answer = await client.batch.post(items(count)).catch(() => undefined);
      if (answer?.status === 202) return answer.body.id;
      await delay(100);
    }
    return undefined;
  }
  async function finished(id: string, until: number): Promise<BatchStatus | 'lost' | undefined> {
    while (performance.now() < until) {
      const answer = await client.batch.status(id).catch(() => undefined);
      if (answer?.status === 200 && answer.body.finishedAt !== null) return answer.body;
      if (answer?.status === 404) return 'lost';
      await delay(50);
    }
    return undefined;
  }

  for (let at = 0; at < Number(failovers); at++) {
    const { master, replica } = await site.roles();
    const kind = kinds[at % kinds.length] as Kind;
    const far = performance.now() + 1000 * giveUpAfter;
    const earlierId = await post(600, far);
    const from = performance.now();
    const until = from + 1000 * giveUpAfter;
    if (kind === 'killed') await master.kill();
    else if (kind === 'frozen') master.freeze();
    else await exchanged(site, replica);
    let lost = 0;
    let accepted: number | undefined;
    let status: BatchStatus | 'lost' | undefined = 'lost';
    // A batch that went to the former master and no further is posted again, as its sender would.
    while (status === 'lost') {
      const id = await post(40, until);
      accepted ??= (performance.now() - from) / 1000;
      status = id === undefined ? undefined : await finished(id, until);
      if (status === 'lost') lost++;
    }
    const ended = (performance.now() - from) / 1000;
    const earlier = earlierId === undefined ? undefined : await finished(earlierId, performance.now() + 60_000);
    if (earlier === undefined || earlier === 'lost' || earlier.items.succeeded !== 600) lost++;
    courses.push({ kind, ended, lost });
    print(
      `${name} ${at + 1} ${kind}: accepted after ${accepted?.toFixed(1)} s, ended after ${ended.toFixed(1)} s, lost ${lost}`,
    );
    if (status === undefined) {
      print(`--- API\n${api.output().slice(-4_000)}\n--- worker\n${worker.output().slice(-8_000)}`);
      break;
    }
    if (kind === 'killed') await master.start();
    if (kind === 'frozen') master.thaw();
  }
  await Promise.all([api.kill(), worker.kill()]);
  await site.remove();
  return courses;
}

const burners = startBurners(2);
const rows: string[] = [];
let failed = 0;
for (const [name, start] of Object.entries(sites)) {
  if (which !== 'both' && which !== name) continue;
  const courses = await run(name, start);
  for (const kind of kinds) {
    const of = courses.filter((course) => course.kind === kind);
    const seconds = of.map(({ ended }) => ended).sort((a, b) => a - b);
    const late = seconds.filter((value) => value > bound).length;
    failed += late;
    const quantile = (share: number) => seconds[Math.min(seconds.length - 1, Math.floor(share * seconds.length))] ?? 0;
    const lost = of.reduce((sum, course) => sum + course.lost, 0);
    rows.push(
      `| ${name} | ${kind} | ${of.length} | ${quantile(0.5).toFixed(1)} | ${quantile(0.9).toFixed(1)} | ${quantile(1).toFixed(1)} | ${late} | ${lost} |`,
    );
  }
}
await burners.stop();
print('| topology | master | failovers | median s | 90 % s | worst s | beyond 30 s | batches lost |');
print('| -------- | ------ | --------- | -------- | ------ | ------- | ----------- | ------------ |');
for (const row of rows) print(row);
process.exit(failed === 0 ? 0 : 1);
