import { probeNames } from '../../testing/attacks/ordinary.ts';
import { readable } from '../../testing/readable.ts';
import { table } from '../figures.ts';

/** The effect of one attack on the service and on the ordinary tenant (the tenant that does not attack). */
export interface Row {
  attack: string;
  what: string;
  /**
   * The duration of the ordinary tenant's batch, divided by its duration without an attack. If the batch did not end,
   * the true value is higher.
   */
  batch: number;
  batchEnded: boolean;
  /**
   * The p95 latency of each probe, divided by its p95 latency without an attack. A probe is a kind of request that the
   * ordinary tenant repeats.
   */
  probes: Record<string, number>;
  /**
   * The number of the ordinary tenant's requests and items that were refused or failed, by probe (kind of request) and
   * error code.
   */
  refused: Record<string, number>;
  /**
   * The memory of the API process, in MiB above that of the idle process. `peakMiB` is the maximum during the attack;
   * `afterMiB` is measured some time after the attack. Null if the process has ended.
   */
  peakMiB: number | null;
  afterMiB: number | null;
  /** True when all processes, including encoders, survived the attack; false when one of them was replaced. */
  samePids: boolean;
  /** The share of the CPU time that programs outside the benchmark used. Null when it could not be measured. */
  cpuOfOthers: number | null;
  /** The size in MB of what the service logged during the attack. */
  loggedMb: number;
  /** The number of responses to the attacker by HTTP status. The key 0 counts requests without a response. */
  hostile: Record<string, number>;
}

export interface NeighbourRun {
  date: string;
  commit: string;
  machine: string;
  quick: boolean;
  /** The time in s from the end of an attack to the measurement of `afterMiB`. */
  afterSeconds: number;
  quiet: { batchSeconds: number; probesMs: Record<string, number>; idleMiB: number };
  rows: Row[];
}

/** The maximum effect that an attack may have on the ordinary tenant (section 3 of the design). */
export const targets = {
  batch: 2,
  probe: 3,
  peakMiB: 500,
  /**
   * The maximum growth in MiB of an API process, measured 10 s after an attack. In tests it grew by at most 7 MiB,
   * because an idle process returns memory (shared/idle-memory.ts). The limit is higher because glibc's malloc may
   * retain more.
   */
  afterMiB: 64,
} as const;

const above = (mib: number | null) => (mib === null ? '' : mib <= 0 ? '0' : `+${readable(mib)}`);

/** Lists the performance targets that the service missed during an attack. */
export function missesOf(row: Row): string[] {
  const refusals = Object.entries(row.refused).map(([what, count]) => `${count} x ${what}`);
  const slow = probeNames.filter((name) => !((row.probes[name] ?? 0) <= targets.probe));
  return [
    ...(row.samePids ? [] : ['a process ended']),
    ...(row.batchEnded ? [] : ['the batch did not end']),
    ...(row.batch <= targets.batch ? [] : [`batch ${readable(row.batch)} x`]),
    ...slow.map((name) => `${name} ${readable(row.probes[name] ?? Number.NaN)} x`),
    ...refusals,
    ...((row.peakMiB ?? 0) <= targets.peakMiB ? [] : [`memory ${above(row.peakMiB)} MiB`]),
    ...((row.afterMiB ?? 0) <= targets.afterMiB ? [] : [`memory ${above(row.afterMiB)} MiB afterwards`]),
  ];
}

const columns: [string, (row: Row) => string][] = [
  ['attack', ({ attack }) => attack],
  ['batch', ({ batch, batchEnded }) => `${batchEnded ? '' : '> '}${readable(batch)}`],
  ...probeNames.map((name): [string, (row: Row) => string] => [
    name,
    ({ probes }) => readable(probes[name] ?? Number.NaN),
  ]),
  ['refused', ({ refused }) => String(Object.values(refused).reduce((sum, count) => sum + count, 0))],
  ['peak MiB', ({ peakMiB }) => above(peakMiB)],
  ['after MiB', ({ afterMiB }) => above(afterMiB)],
  ['others', ({ cpuOfOthers }) => (cpuOfOthers === null ? '' : `${readable(100 * cpuOfOthers)} %`)],
  ['processes', ({ samePids }) => (samePids ? 'same' : 'ENDED')],
  ['missed', (row) => missesOf(row).join(', ')],
];

export function textOf({ rows, quiet, afterSeconds }: NeighbourRun): string {
  const head = columns.map(([name]) => name);
  const body = rows.map((row) => columns.map(([, cell]) => cell(row)));
  const probes = probeNames.map((name) => `${name} ${readable(quiet.probesMs[name] ?? Number.NaN)} ms`).join(', ');
  return `${table(head, body)}\n\nQuiet: batch ${readable(quiet.batchSeconds)} s; p95 of ${probes}; API ${readable(quiet.idleMiB)} MiB. Memory was read again ${afterSeconds} s after each attack.`;
}
