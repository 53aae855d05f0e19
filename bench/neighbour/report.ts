import { probeNames } from '../../testing/attacks/ordinary.ts';
import { readable } from '../../testing/readable.ts';
import { table } from '../figures.ts';

/** The cost of one attack for the ordinary tenant. */
export interface Row {
  attack: string;
  what: string;
  /** Batch time of the ordinary tenant as a multiple of its quiet time; a lower bound when the batch did not end. */
  batch: number;
  batchEnded: boolean;
  /** p95 latency of each probe as a multiple of its quiet p95. */
  probes: Record<string, number>;
  /** Refusals of the ordinary tenant, by probe and code. */
  refused: Record<string, number>;
  /**
   * Resident memory of the API above idle in MiB: its peak, and the value some time after the attack; null if it ended.
   */
  peakMiB: number | null;
  afterMiB: number | null;
  /** True when all processes, encoders included, are still the same. */
  samePids: boolean;
  /** Share of CPU time used by other programs; null when it could not be measured. */
  cpuOfOthers: number | null;
  /** Size of the log in MB. */
  loggedMb: number;
  /** Answers to the attacker by status; 0 means no answer. */
  hostile: Record<string, number>;
}

export interface NeighbourRun {
  date: string;
  commit: string;
  machine: string;
  quick: boolean;
  /** Seconds between the end of an attack and the second memory reading. */
  afterSeconds: number;
  quiet: { batchSeconds: number; probesMs: Record<string, number>; idleMiB: number };
  rows: Row[];
}

/** Maximum cost of an attack for another tenant, from section 3 of the design. */
export const targets = {
  batch: 2,
  probe: 3,
  peakMiB: 500,
  /**
   * An idle process returns its memory (shared/idle-memory.ts): at most +7 MiB were measured 10 s after an attack.
   * glibc's malloc may retain more.
   */
  afterMiB: 64,
} as const;

const above = (mib: number | null) => (mib === null ? '' : mib <= 0 ? '0' : `+${readable(mib)}`);

/** Lists the missed targets of an attack. */
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
