import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type NeighbourRun, neighbourRun, pageOf } from './report.ts';

const figures = new URL('figures/', import.meta.url);
const page = new URL('../../docs/benchmarks.md', import.meta.url);
const begin = '<!-- neighbour: made by npm run bench:neighbour -- --record -->\n';
const end = '\n<!-- neighbour: end -->';

const fileOf = (name: 'before' | 'after') => new URL(`${name}.json`, figures);
const read = (name: 'before' | 'after'): NeighbourRun =>
  neighbourRun.parse(JSON.parse(readFileSync(fileOf(name), 'utf8')));

/** The page with the table of both runs in its place; as it is, until there are both. */
export function renewed(): string {
  const text = readFileSync(page, 'utf8');
  if (!existsSync(fileOf('before')) || !existsSync(fileOf('after'))) return text;
  const from = text.indexOf(begin) + begin.length;
  return `${text.slice(0, from)}\n${pageOf(read('before'), read('after'))}\n${text.slice(text.indexOf(end))}`;
}

/**
 * Writes a run next to the other one, and the page. Rows that the run has not measured (`--only`) stay
 * as they were.
 */
export function renewPage(name: 'before' | 'after', run: NeighbourRun): void {
  const file = fileOf(name);
  const old = existsSync(file)
    ? read(name).rows.filter(({ attack }) => !run.rows.some((row) => row.attack === attack))
    : [];
  mkdirSync(figures, { recursive: true });
  writeFileSync(file, `${JSON.stringify({ ...run, rows: [...run.rows, ...old] }, null, 2)}\n`);
  writeFileSync(page, renewed());
}
