import { z } from 'zod';
import { readable } from '../../testing/readable.ts';
import { table } from '../figures.ts';
import { type Probe, probeNames } from './ordinary.ts';

const ratio = z.number();
const row = z.object({
  attack: z.string(),
  what: z.string(),
  /** Time of the ordinary tenant's batch over its quiet time; a lower bound when it did not end. */
  batch: ratio,
  batchEnded: z.boolean(),
  /** p95 of each probe over its quiet p95. */
  probes: z.record(z.string(), ratio),
  /** What the ordinary tenant was refused, by probe and code. */
  refused: z.record(z.string(), z.number()),
  /** Resident memory of the API above idle in MiB: at its highest, and some time after the attack. null: it ended. */
  peakMiB: z.number().nullable(),
  afterMiB: z.number().nullable(),
  /** Whether every process, encoders included, was still the same. */
  samePids: z.boolean(),
  /** Share of the CPUs that other programs took meanwhile; null when it could not be measured. */
  cpuOfOthers: z.number().nullable(),
  /** Log in MB. */
  loggedMb: z.number(),
  /** Requests of the attacker by status; 0 is no answer. */
  hostile: z.record(z.string(), z.number()),
});
export type Row = z.output<typeof row>;

export const neighbourRun = z.object({
  format: z.literal(1),
  date: z.string(),
  commit: z.string().nullable(),
  machine: z.string(),
  quick: z.boolean(),
  /** Seconds between the end of an attack and the second reading of memory. */
  afterSeconds: z.number(),
  quiet: z.object({ batchSeconds: z.number(), probesMs: z.record(z.string(), z.number()), idleMiB: z.number() }),
  rows: z.array(row),
});
export type NeighbourRun = z.output<typeof neighbourRun>;

/** What section 3 of the design asks: an attack may cost its neighbour this much. */
export const targets = {
  batch: 2,
  probe: 3,
  peakMiB: 500,
  /** The allocator retains freed memory: +185 MiB were measured after attacks (malloc of glibc, two cores). */
  afterMiB: 250,
} as const;

/** What an attack broke; nothing when the service held. */
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

const times = (value: number | undefined, ended = true) => `${ended ? '' : '> '}${readable(value ?? Number.NaN)}`;
const above = (mib: number | null) => (mib === null ? '' : mib <= 0 ? '0' : `+${readable(mib)}`);
const refusedOf = ({ refused }: Row) => Object.values(refused).reduce((sum, count) => sum + count, 0);

const columns: [string, (row: Row) => string][] = [
  ['attack', (row) => row.attack],
  ['batch', (row) => times(row.batch, row.batchEnded)],
  ...probeNames.map((name: Probe): [string, (row: Row) => string] => [name, (row) => times(row.probes[name])]),
  ['refused', (row) => String(refusedOf(row))],
  ['peak MiB', (row) => above(row.peakMiB)],
  ['after MiB', (row) => above(row.afterMiB)],
  ['others', (row) => (row.cpuOfOthers === null ? '' : `${readable(100 * row.cpuOfOthers)} %`)],
  ['processes', (row) => (row.samePids ? 'same' : 'ENDED')],
];

export function textOf({ rows, quiet, afterSeconds }: NeighbourRun): string {
  const head = [...columns.map(([name]) => name), 'missed'];
  const body = rows.map((row) => [...columns.map(([, cell]) => cell(row)), missesOf(row).join(', ')]);
  const quietly = probeNames.map((name) => `${name} ${readable(quiet.probesMs[name] ?? Number.NaN)} ms`).join(', ');
  return `${table(head, body)}\n\nQuiet: batch ${readable(quiet.batchSeconds)} s; p95 of ${quietly}; API ${readable(quiet.idleMiB)} MiB. Memory was read again ${afterSeconds} s after each attack.`;
}

const worst = (row: Row) => Math.max(...probeNames.map((name) => row.probes[name] ?? Number.NaN));
const cells = (row: Row | undefined): string[] =>
  row === undefined
    ? ['', '', '', '', '']
    : [
        times(row.batch, row.batchEnded),
        times(worst(row)),
        String(refusedOf(row)),
        row.peakMiB === null ? 'ended' : `${above(row.peakMiB)}, ${above(row.afterMiB)}`,
        row.samePids ? 'no' : 'yes',
      ];
const machineOf = ({ date, commit, machine, quick }: NeighbourRun) =>
  `commit ${commit ?? 'unknown'}, ${date.slice(0, 10)}, ${machine}${quick ? ', --quick' : ''}`;

/** The table of docs/benchmarks.md. A cell has both runs: before → after. */
export function pageOf(before: NeighbourRun, after: NeighbourRun): string {
  const head = ['attack', 'batch', 'slowest single', 'refused', 'MiB at peak, afterwards', 'process ended'];
  const lines = after.rows.map((now) => {
    const was = cells(before.rows.find(({ attack }) => attack === now.attack));
    const pairs = cells(now).map((cell, at) => (was[at] === '' ? cell : `${was[at]} → ${cell}`));
    return [`\`${now.attack}\`: ${now.what}`, ...pairs];
  });
  const rows = [head, head.map(() => '---'), ...lines].map((line) => `| ${line.join(' | ')} |`);
  return `Before: ${machineOf(before)}. After: ${machineOf(after)}.\n\n${rows.join('\n')}`;
}
