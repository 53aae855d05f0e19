import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { attacks, hostileLoad, neighbours } from '../../testing/attacks/all.ts';
import { createOrdinary, type Experience, type Probe, probeNames } from '../../testing/attacks/ordinary.ts';
import { startStage } from '../../testing/attacks/stage.ts';
import { endOnSignals, print, readWords, say } from '../../testing/command.ts';
import { descendantsOf } from '../../testing/processes/tree.ts';
import { meterCpu, peakMiBOf, resetPeak, residentMiBOf } from '../../testing/processes/usage.ts';
import { readable } from '../../testing/readable.ts';
import { median, percentile } from '../../testing/statistics.ts';
import { missesOf, type NeighbourRun, type Row, textOf } from './report.ts';

/**
 * Measures how much each attack, within its tenant's rate limit, slows down the ordinary tenant, which sends requests
 * and scores a batch. Exits with 1 when a target is missed.
 */
const usage = `npm run bench:neighbour -- [options]
  --only <name,…>    of: ${[...neighbours, ...hostileLoad].join(', ')}
  --quick            shorter and rougher
  --apart            API and worker in processes of their own; by default as \`npm start\` has them
  --service <dir>    another checkout, whose service is measured
  --json <file>      writes the run
`;
const { values } = readWords(usage, ['only', 'service', 'json'], ['quick', 'apart'], (words) => {
  const wrong = words.values.only?.split(',').find((name) => !attacks.some((attack) => attack.name === name));
  return wrong !== undefined && `There is no attack ${wrong}.`;
});
endOnSignals();
const asked = values.only?.split(',') ?? neighbours;
const chosen = attacks.filter(({ name }) => asked.includes(name));

const { quick } = values;
/**
 * The items of the ordinary tenant's batch, and the minimum and maximum duration of a measurement in s. Without an
 * attack, the batch takes some seconds on two CPU cores.
 */
const work = quick ? { items: 300, least: 8, most: 30 } : { items: 800, least: 15, most: 90 };
const afterSeconds = quick ? 10 : 30;
/** The time in ms in which the attack reaches its full rate before the work starts. */
const leadMs = 3_000;

const directory = values.service === undefined ? undefined : resolve(values.service);
const stage = await startStage({
  directory,
  processes: values.apart ? 'apart' : 'together',
  logLevel: 'info',
});
const ordinary = await createOrdinary(stage);
const quietRuns: Experience[] = [];
const rows: Row[] = [];
let idleMiB = 0;

const quietSeconds = () => median(quietRuns.map(({ batchSeconds }) => batchSeconds));
const quietP95 = (name: Probe) =>
  percentile(
    quietRuns.flatMap(({ probes }) => probes[name]),
    0.95,
  );

async function quiet(): Promise<Experience> {
  const run = await ordinary.live({ ...work, least: quick ? 6 : 10 });
  const faults = Object.entries(run.refused).map(([what, count]) => `, ${count} x ${what}`);
  say(
    `  quiet: batch ${readable(run.batchSeconds)} s, single p95 ${readable(percentile(run.probes.single, 0.95))} ms${faults.join('')}`,
  );
  return run;
}

async function underAttack(attack: (typeof attacks)[number]): Promise<void> {
  say(`${attack.name}: ${attack.what}`);
  const pids = stage.pids();
  const logged = stage.logged();
  resetPeak(stage.apiPid());
  const running = await stage.attack(attack.name, 1);
  await delay(leadMs);
  // Without the process `ps` that created the list, which has ended.
  const meter = meterCpu({ own: descendantsOf(process.pid).filter((pid) => existsSync(`/proc/${pid}`)) });
  const lived = await ordinary.live(work);
  const cpuOfOthers = shareOfOthers(meter);
  const peak = stage.isRunning() ? peakMiBOf(stage.apiPid()) - idleMiB : null;
  const counts = await running.end();
  await stage.deleteBatches();
  await delay(1000 * afterSeconds);
  const samePids = JSON.stringify(stage.pids()) === JSON.stringify(pids);
  const after = stage.isRunning() ? residentMiBOf(stage.apiPid()) - idleMiB : null;
  const row: Row = {
    attack: attack.name,
    what: attack.what,
    batch: lived.batchSeconds / quietSeconds(),
    batchEnded: lived.batchEnded,
    probes: Object.fromEntries(probeNames.map((name) => [name, percentile(lived.probes[name], 0.95) / quietP95(name)])),
    refused: lived.refused,
    cpuOfOthers,
    peakMiB: peak,
    afterMiB: after,
    samePids: samePids && stage.isRunning(),
    loggedMb: (stage.logged() - logged) / 1e6,
    hostile: counts,
  };
  rows.push(row);
  say(
    `  ${missesOf(row).join(', ') || 'held'} (attacker: ${JSON.stringify(counts)}, log ${readable(row.loggedMb)} MB)`,
  );
}

/** Returns the share of the CPU time that other programs used, or null when a process of the benchmark has ended. */
function shareOfOthers(meter: ReturnType<typeof meterCpu>): number | null {
  try {
    const { others, wall } = meter.stop();
    return others / (wall * cpus().length);
  } catch {
    return null;
  }
}

async function restart(why: string): Promise<void> {
  say(`  the service is started again: ${why}`);
  await stage.restart();
  await quiet();
}

const startedAt = new Date();
try {
  say('warming up');
  await quiet();
  quietRuns.push(await quiet(), await quiet());
  await delay(3_000);
  idleMiB = residentMiBOf(stage.apiPid());
  for (const attack of chosen) {
    await underAttack(attack);
    if (!stage.isRunning()) await restart(`it ended\n${stage.lastLines()}`);
    const run = await quiet();
    // A service that has not recovered would make the next attack seem worse.
    if (run.batchSeconds > 2 * quietSeconds()) await restart('it has not recovered');
    else quietRuns.push(run);
  }
} finally {
  ordinary.close();
  await stage.stop();
}

const commit = () =>
  execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
    cwd: directory ?? fileURLToPath(new URL('.', import.meta.url)),
    encoding: 'utf8',
  }).trim();
const run: NeighbourRun = {
  date: startedAt.toISOString(),
  commit: commit(),
  machine: `${availableParallelism()} x ${cpus()[0]?.model ?? 'unknown'}`,
  quick,
  afterSeconds,
  quiet: {
    batchSeconds: quietSeconds(),
    probesMs: Object.fromEntries(probeNames.map((name) => [name, quietP95(name)])),
    idleMiB,
  },
  rows,
};
print(`\n${textOf(run)}`);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(run, null, 2)}\n`);
process.exit(rows.every((row) => missesOf(row).length === 0) ? 0 : 1);
