import { parseArgs } from 'node:util';
import { type Figure, tableOf } from './figures.ts';
import { type BenchModelId, benchModels, writeRegistry } from './models.ts';
import { compare, createReport, readReport, writeReport } from './report.ts';
import { benchControlPlane } from './sections/control-plane.ts';
import { benchControlPlaneScale } from './sections/control-plane-scale.ts';
import { benchInference } from './sections/inference.ts';
import { benchMemory } from './sections/memory.ts';
import { benchPayloads } from './sections/payloads.ts';
import { benchPreprocess } from './sections/preprocess.ts';
import { benchStart } from './sections/start.ts';

const usage = `npm run bench -- [--only SECTION,...] [--quick] [--out FILE] [--compare FILE] [ITEMS...]

  --only     of: control-plane, control-plane-scale, payloads, ${Object.keys(benchModels).join(', ')}, preprocess, start, memory
  --quick    shorter and rougher
  --out      where the run is written as JSON; bench/results/<date>-<host>.json by default
  --compare  prints the change of every figure since that run
  ITEMS      batch sizes of control-plane; of memory, payloads and control-plane-scale, the last one is its number of items
`;

// What the bench has started ends with it, by the handlers of `exit` and by channels that close.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
process.exit(await main().catch((error: Error) => fail(error.message)));

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      out: { type: 'string' },
      compare: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (process.platform !== 'linux') return fail('The bench reads CPU time and memory from /proc: it needs Linux.');
  const sizes = positionals.map(Number);
  const wrong = positionals.find((_, at) => !(Number.isInteger(sizes[at]) && (sizes[at] ?? 0) > 0));
  if (wrong !== undefined) return fail(`${wrong} is no number of items.\n\n${usage}`);
  // Read before anything is measured: a wrong name should not cost a run.
  const before = values.compare === undefined ? undefined : readReport(values.compare);

  const { quick } = values;
  const sections = sectionsOf(quick, sizes);
  const asked = values.only?.split(',') ?? Object.keys(sections);
  const unknown = asked.find((name) => !(name in sections));
  if (unknown !== undefined) return fail(`There is no section ${unknown}.\n\n${usage}`);

  const figures: Figure[] = [];
  const failed: string[] = [];
  for (const name of asked) {
    try {
      figures.push(...((await sections[name]?.()) ?? []));
    } catch (error) {
      // What the others measure took minutes, and is not lost because of one.
      say(`${name}: ${(error as Error).message}`);
      failed.push(name);
    }
  }
  process.stdout.write(`\n${tableOf(figures)}\n`);
  const report = createReport(figures, quick);
  process.stdout.write(`\nWritten to ${writeReport(report, values.out)}\n`);
  if (before !== undefined) process.stdout.write(`\n${compare(before, report)}\n`);
  return failed.length > 0 ? fail(`Not measured: ${failed.join(', ')}`) : 0;
}

/** In the order of the table; what takes longest comes last. */
function sectionsOf(quick: boolean, sizes: readonly number[]): Record<string, () => Promise<Figure[]>> {
  const allSizes = quick ? [10_000, 100_000] : [10_000, 200_000, 1_000_000];
  const ofModel = (name: BenchModelId) => () =>
    benchInference(name, benchModels[name], { quick, env: writeRegistry(), say });
  return {
    'control-plane': () => benchControlPlane(sizes.length > 0 ? sizes : allSizes, say),
    'control-plane-scale': () => benchControlPlaneScale(sizes.at(-1) ?? (quick ? 60_000 : 600_000), say),
    payloads: () => benchPayloads(sizes.at(-1) ?? (quick ? 20_000 : 200_000), say),
    compact: ofModel('compact'),
    'vit-b-32': ofModel('vit-b-32'),
    'vit-b-32-int8': ofModel('vit-b-32-int8'),
    'vit-l-14': ofModel('vit-l-14'),
    preprocess: () => benchPreprocess(quick, say),
    start: () => benchStart(quick ? 1 : 3, say),
    memory: () => benchMemory(sizes.at(-1) ?? (quick ? 15_000 : 100_000), say),
  };
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function fail(message: string): number {
  process.stderr.write(`${message}\n`);
  return 1;
}
