import { setTimeout as delay } from 'node:timers/promises';
import { attacks, hostileLoad, neighbours } from '../../testing/attacks/all.ts';
import { type RunningAttack, startStage } from '../../testing/attacks/stage.ts';
import { endOnSignals, print, readWords } from '../../testing/command.ts';
import { randomFrom } from '../../testing/mutations.ts';
import { residentMiBOf } from '../../testing/processes/usage.ts';
import { percentile } from '../../testing/statistics.ts';
import { readStore } from './store.ts';
import { createWork } from './work.ts';

/**
 * All attacks, mixed at random, on an API and a worker, while another tenant works: no process may end, no item be lost
 * or counted twice, and Redis and the API must come back to where they were. Ends with 1 for each that is not so.
 */
const usage = `npm run attack -- [options]
  --minutes <n>       how long, 30 by default; 3 for the profile hostile
  --seed <n>          the same seed mixes the same attacks; printed
  --profile <name>    mixed: all attacks, up to three at a time; hostile: ${hostileLoad.join(', ')}, all at a time
  --only <name,…>     mixes these alone
  --service <dir>     another checkout, whose service is attacked
`;
const { values } = readWords(usage, ['minutes', 'seed', 'profile', 'only', 'service'], [], (words) => {
  const wrong = words.values.only?.split(',').find((name) => !attacks.some((attack) => attack.name === name));
  return wrong !== undefined && `There is no attack ${wrong}.`;
});
endOnSignals();
const isHostile = values.profile === 'hostile';
const names = values.only?.split(',') ?? (isHostile ? hostileLoad : [...neighbours, ...hostileLoad]);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const random = randomFrom(seed);
const minutes = Number(values.minutes ?? (isHostile ? 3 : 30));
const atOnce = isHostile ? names.length : Math.min(3, names.length);
/** An attack of the mixture lasts this long, in seconds. */
const shortest = 10;
const longest = 40;
/**
 * Keys that may remain when all batches are deleted: counters that expire by themselves, and 200 sweeper jobs, one
 * every 15 s.
 */
const keysAbove = 250;
const redisMbAbove = 10;
/**
 * The process is idle for the first time when the load begins: its code and connections stay, and what malloc of glibc
 * retains. The rest is returned (shared/idle-memory.ts).
 */
const apiMiBAbove = 128;
/** The name of a key that belongs to one batch has its id. */
const batchId = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/;
/**
 * Minimum requests of the profile hostile for a valid run, per minute: 200 connections; the others in three minutes.
 */
const hostileLeast: Record<string, { inAll?: number; perMinute?: number }> = {
  'slow-connections': { inAll: 200 },
  'cut-uploads': { perMinute: 2_900 / 3 },
  'gzip-bombs': { perMinute: 500 / 3 },
  'event-streams': { perMinute: 4_350 / 3 },
  'wrong-keys': { perMinute: 2_600 / 3 },
};
/** The attacks begin one second after the other, and a timer is late now and then. */
const leastShare = 0.93;
/** Deletion, sweeps and the garbage collector have so long to bring it back, in seconds. */
const patience = 90;

const stage = await startStage({ directory: values.service, processes: 'apart', logLevel: 'error' });
const store = readStore(stage.redis.url);
print(`${minutes} minutes, profile ${values.profile ?? 'mixed'}, seed ${seed}`);
const work = await createWork(stage);
const faults: string[] = [];

await stage.deleteBatches();
await delay(3_000);
const idle = { ...(await store.read()), apiMiB: residentMiBOf(stage.apiPid()), pids: stage.pids() };
print(`idle: ${idle.keys.size} keys, Redis ${idle.megabytes.toFixed(1)} MB, API ${idle.apiMiB.toFixed(0)} MiB`);

const until = performance.now() + 60_000 * minutes;
const isOver = () => performance.now() >= until || !stage.isRunning();
const peak = { redisMb: 0, apiMiB: 0 };
const totals: Record<string, number> = {};

async function attackLane(lane: number): Promise<void> {
  // Started one after the other, so that the first seconds are not the worst.
  await delay(1_000 * lane);
  while (!isOver()) {
    const name = isHostile ? names[lane] : names[Math.floor(random() * names.length)];
    if (name === undefined) return;
    const seconds = isHostile ? 60 * minutes : shortest + random() * (longest - shortest);
    let attack: RunningAttack | undefined;
    try {
      attack = await stage.attack(name, Math.floor(random() * 1e9));
      const endsAt = Math.min(until, performance.now() + 1_000 * seconds);
      while (performance.now() < endsAt && stage.isRunning()) await delay(500);
      const counts = await attack.end();
      for (const count of Object.values(counts)) totals[name] = (totals[name] ?? 0) + count;
      print(`${name}, ${seconds.toFixed(0)} s: ${JSON.stringify(counts)}; ${work.summary()}`);
    } catch (error) {
      faults.push(`The attacker ${name} ended: ${(error as Error).message}`);
    }
  }
}

let running = idle.pids;
/** Prints the reason when an encoder has ended. */
function sayEnded(): void {
  const ended = running.filter((pid) => !stage.pids().includes(pid));
  if (ended.length > 0) print(`processes ${ended.join(', ')} ended\n${stage.lastLines()}`);
  running = stage.pids();
}

async function watch(): Promise<void> {
  while (!isOver()) {
    peak.redisMb = Math.max(peak.redisMb, (await store.read()).megabytes);
    peak.apiMiB = Math.max(peak.apiMiB, residentMiBOf(stage.apiPid()));
    sayEnded();
    await delay(1_000);
  }
}

/** Said while nothing else is: what a run that does not end waits for. */
const heartbeat = setInterval(() => print(`… ${work.summary()}; ${work.open()}`), 30_000);
await Promise.all([...Array.from({ length: atOnce }, (_, lane) => attackLane(lane)), work.until(isOver), watch()]);
faults.push(...work.faults);
clearInterval(heartbeat);

const pids = stage.pids();
const gone = idle.pids.filter((pid) => !pids.includes(pid));
if (gone.length > 0)
  faults.push(`${gone.length} processes ended (${stage.isRunning() ? 'encoders' : 'API or worker'})`);
if (stage.isRunning()) {
  print('all batches are deleted; Redis and the API come back');
  await stage.deleteBatches();
  const leftAfter = async () => {
    const { keys, megabytes } = await store.read();
    const more = [...keys].filter((key) => !idle.keys.has(key));
    const ofBatches = more.filter((key) => batchId.test(key));
    return {
      more,
      ofBatches,
      megabytes: megabytes - idle.megabytes,
      apiMiB: residentMiBOf(stage.apiPid()) - idle.apiMiB,
    };
  };
  let left = await leftAfter();
  const isBack = () =>
    left.more.length <= keysAbove &&
    left.ofBatches.length === 0 &&
    left.megabytes <= redisMbAbove &&
    left.apiMiB <= apiMiBAbove;
  const from = performance.now();
  while (!isBack() && performance.now() - from < 1_000 * patience) {
    await delay(1_000);
    left = await leftAfter();
  }
  print(
    `after ${((performance.now() - from) / 1_000).toFixed(0)} s: ${left.more.length} keys, Redis ${left.megabytes.toFixed(1)} MB and API ${left.apiMiB.toFixed(0)} MiB above idle (at most ${(peak.redisMb - idle.megabytes).toFixed(0)} and ${(peak.apiMiB - idle.apiMiB).toFixed(0)})`,
  );
  if (left.more.length > keysAbove)
    faults.push(`Redis has ${left.more.length} keys more than before: ${left.more.slice(0, 12).join(' ')}`);
  if (left.ofBatches.length > 0)
    faults.push(`${left.ofBatches.length} keys of deleted batches remain: ${left.ofBatches.slice(0, 12).join(' ')}`);
  if (left.megabytes > redisMbAbove) faults.push(`Redis holds ${left.megabytes.toFixed(1)} MB more than before`);
  if (left.apiMiB > apiMiBAbove) faults.push(`The API holds ${left.apiMiB.toFixed(0)} MiB more than before`);
} else {
  print(stage.lastLines());
}

print(
  `${work.summary()}; single p95 ${percentile(work.singlesMs, 0.95).toFixed(0)} ms; attackers: ${JSON.stringify(totals)}`,
);
for (const [name, { inAll, perMinute = 0 }] of Object.entries(isHostile ? hostileLeast : {})) {
  const least = inAll ?? Math.floor(leastShare * perMinute * minutes);
  const sent = totals[name] ?? 0;
  if (names.includes(name) && sent < least) faults.push(`The load was too small: ${sent} of ${name}, and not ${least}`);
}
store.close();
await stage.stop();
for (const fault of faults) print(`FAULT ${fault}`);
print(faults.length === 0 ? 'The service held: each item once, as in the quiet run' : `${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);
