import { probeNames } from '../../testing/attacks/ordinary.ts';
import { readable } from '../../testing/readable.ts';
import { table } from '../figures.ts';

/** The effect of one attack on the service and on the ordinary tenant (the tenant that does not attack). */
export interface Row {
  attack: string;
  what: string;
  /**
   * The duration of the ordinary tenant's batch, divided by that without an attack. A lower bound if the batch did not
   * end.
   */
  batch: number;
  batchEnded: boolean;
  /** The p95 latency of each probe (a repeated kind of request), divided by that without an attack. */
  probes: Record<string, number>;
  /** The number of the ordinary tenant's refused or failed requests and items, by probe and error code. */
  refused: Record<string, number>;
  /**
   * The API's memory in MiB above that of the idle process: at most during the attack, and some time after it. Null if
   * the process has ended.
   */
  peakMiB: number | null;
  afterMiB: number | null;
  /** True when all processes, including encoders, survived the attack. */
  samePids: boolean;
  /** The share of the CPU time that other programs used. Null when it could not be measured. */
  cpuOfOthers: number | null;
  /** The size in MB of the service's log of the attack. */
  loggedMb: number;
  /** The number of responses to the attacker by HTTP status, 0 for none. */
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
   * The maximum growth of an API process in MiB, 10 s after an attack. It was at most 7 MiB, because an idle process
   * returns memory (shared/idle-memory.ts). glibc's malloc may retain more.
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
