import { probeNames } from '../../testing/attacks/ordinary.ts';
import { readable } from '../../testing/readable.ts';
import { table } from '../figures.ts';

/** The cost of one attack for the ordinary tenant. */
export interface Row {
  attack: string;
  what: string;
  /** Time of the ordinary tenant's batch over its quiet time; a lower bound when it did not end. */
  batch: number;
  batchEnded: boolean;
  /** p95 of each probe over its quiet p95. */
  probes: Record<string, number>;
  /** Refusals of the ordinary tenant, by probe and code. */
  refused: Record<string, number>;
  /** Resident memory of the API above idle in MiB: at its highest, and some time after the attack. null: it ended. */
  peakMiB: number | null;
  afterMiB: number | null;
  /** Whether every process, encoders included, was still the same. */
  samePids: boolean;
  /** Share of the CPUs that other programs took meanwhile; null when it could not be measured. */
  cpuOfOthers: number | null;
  /** Log in MB. */
  loggedMb: number;
  /** Requests of the attacker by status; 0 is no answer. */
  hostile: Record<string, number>;
}

export interface NeighbourRun {
  date: string;
  commit: string;
  machine: string;
  quick: boolean;
  /** Seconds between the end of an attack and the second reading of memory. */
  afterSeconds: number;
  quiet: { batchSeconds: number; probesMs: Record<string, number>; idleMiB: number };
  rows: Row[];
}

/** What an attack may cost its neighbour, by section 3 of the design. */
export const targets = {
  batch: 2,
  probe: 3,
  peakMiB: 500,
  /**
   * An idle process returns its memory (shared/idle-memory.ts): at most +7 MiB were measured 10 s after an attack. What malloc
   * of glibc retains may come on top.
   */
  afterMiB: 64,
} as const;

const above = (mib: number | null) => (mib === null ? '' : mib <= 0 ? '0' : `+${readable(mib)}`);

/** Returns the targets that an attack broke; none when the service held. */
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
