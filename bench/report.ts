import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, hostname, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readable } from '../testing/readable.ts';
import { type Figure, table } from './figures.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

const figure = z.object({
  id: z.string(),
  name: z.string(),
  value: z.number(),
  unit: z.string(),
  target: z.union([z.object({ least: z.number() }), z.object({ most: z.number() })]).exactOptional(),
  detail: z.string(),
});
const report = z.object({
  format: z.literal(1),
  date: z.string(),
  host: z.string(),
  machine: z.object({ cpus: z.number(), cpu: z.string(), memoryGb: z.number() }),
  node: z.string(),
  /** The commit of the checkout, with `+` if files had uncommitted changes. Null outside a repository. */
  commit: z.string().nullable(),
  quick: z.boolean(),
  figures: z.array(figure),
});

export type Report = z.output<typeof report>;

export function createReport(figures: Figure[], quick: boolean, date = new Date()): Report {
  return {
    format: 1,
    date: date.toISOString(),
    host: hostname(),
    machine: {
      cpus: availableParallelism(),
      cpu: cpus()[0]?.model ?? 'unknown',
      memoryGb: Math.round(totalmem() / 1e9),
    },
    node: process.version,
    commit: commitOf(root),
    quick,
    figures,
  };
}

/** Writes the results to `file`, or to `bench/results/<date>-<host>.json`. Returns the path. */
export function writeReport(written: Report, file = defaultFile(written)): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(written, null, 2)}\n`);
  return file;
}

const defaultFile = ({ date, host }: Report) =>
  join(root, 'bench', 'results', `${date.slice(0, 16).replace(':', '')}-${host}.json`);

/**
 * Reads the results of an earlier run.
 * @throws {Error} with the file's name, when it does not contain results of this benchmark.
 */
export function readReport(file: string): Report {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new Error(`${file} cannot be read as JSON: ${(cause as Error).message}`, { cause });
  }
  const parsed = report.safeParse(json);
  if (!parsed.success) throw new Error(`${file} is not a report of this benchmark:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** Lists the change of each figure that both benchmark runs have. */
export function compare(before: Report, now: Report): string {
  const old = new Map(before.figures.map((entry) => [entry.id, entry.value]));
  const rows = now.figures.flatMap(({ id, name, value, unit }) => {
    const was = old.get(id);
    if (was === undefined) return [];
    const change = was === 0 ? '' : `${value >= was ? '+' : ''}${((value / was - 1) * 100).toFixed(1)} %`;
    return [[id.split('/', 1)[0] ?? '', name, unit, readable(was), readable(value), change]];
  });
  const notes = [
    `before: ${describe(before)}`,
    `now:    ${describe(now)}`,
    ...(before.machine.cpu !== now.machine.cpu || before.machine.cpus !== now.machine.cpus
      ? ['The two reports are from different machines: compare ratios, not rates.']
      : []),
    ...(before.quick !== now.quick
      ? ['One of the two reports was made with --quick: its figures are less precise.']
      : []),
  ];
  return `${notes.join('\n')}\n\n${table(['figure', '', 'unit', 'before', 'now', 'change'], rows)}`;
}

const describe = ({ date, host, machine, commit, quick }: Report) =>
  `${date} ${host}, ${machine.cpus} x ${machine.cpu}, commit ${commit ?? 'unknown'}${quick ? ', quick' : ''}`;

function commitOf(directory: string): string | null {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: directory, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+'}`;
  } catch {
    return null;
  }
}
