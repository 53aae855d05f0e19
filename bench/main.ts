import { endOnSignals, print, readWords, say } from '../testing/command.ts';
import { type Figure, tableOf } from './figures.ts';
import { type BenchModelId, benchModels, writeRegistry } from './models.ts';
import { compare, createReport, readReport, writeReport } from './report.ts';
import { benchControlPlane } from './sections/control-plane.ts';
import { benchControlPlaneScale } from './sections/control-plane-scale.ts';
import { benchExplorer } from './sections/explorer.ts';
import { benchInference } from './sections/inference.ts';
import { benchMemory } from './sections/memory.ts';
import { benchOverhead } from './sections/overhead.ts';
import { benchPayloads } from './sections/payloads.ts';
import { benchPreprocess } from './sections/preprocess.ts';
import { benchRepeats } from './sections/repeats.ts';
import { benchSelection } from './sections/selection.ts';
import { benchStart } from './sections/start.ts';
import { benchTar } from './sections/tar.ts';

type Section = (quick: boolean, sizes: readonly number[]) => Promise<Figure[]>;

const ofModel =
  (name: BenchModelId): Section =>
  (quick) =>
    benchInference(name, benchModels[name], { quick, env: writeRegistry(), say });
const allSizes = (quick: boolean) => (quick ? [10_000, 100_000] : [10_000, 200_000, 1_000_000]);
/** The sections of the benchmark, in the order of the table of results. The slowest section is last. */
const sections: Record<string, Section> = {
  'control-plane': (quick, sizes) => benchControlPlane(sizes.length > 0 ? sizes : allSizes(quick), say),
  'control-plane-scale': (quick, sizes) => benchControlPlaneScale(sizes.at(-1) ?? (quick ? 60_000 : 600_000), say),
  payloads: (quick, sizes) => benchPayloads(sizes.at(-1) ?? (quick ? 20_000 : 200_000), say),
  compact: ofModel('compact'),
  'vit-b-32': ofModel('vit-b-32'),
  'vit-b-32-int8': ofModel('vit-b-32-int8'),
  'vit-l-14': ofModel('vit-l-14'),
  overhead: (quick) => benchOverhead(quick, writeRegistry(), say),
  preprocess: (quick) => benchPreprocess(quick, say),
  repeats: (quick) => benchRepeats(quick, say),
  selection: (quick, sizes) => benchSelection(sizes.at(-1) ?? (quick ? 100_000 : 1_000_000), say),
  explorer: (quick, sizes) => benchExplorer(sizes.at(-1) ?? (quick ? 100_000 : 1_000_000), quick ? 3 : 5, say),
  tar: (quick, sizes) => benchTar(sizes.at(-1) ?? (quick ? 20_000 : 200_000), say),
  start: (quick) => benchStart(quick ? 1 : 3, say),
  memory: (quick, sizes) => benchMemory(sizes.at(-1) ?? (quick ? 15_000 : 100_000), say),
};

const usage = `npm run bench -- [--only SECTION,...] [--quick] [--out FILE] [--compare FILE] [ITEMS...]

  --only     of: ${Object.keys(sections).join(', ')}
  --quick    shorter and rougher
  --out      JSON file for the results; bench/results/<date>-<host>.json by default
  --compare  prints the change of every figure since that run
  ITEMS      batch sizes of control-plane; of memory, payloads, selection, explorer, tar and control-plane-scale, the last one is its number of items`;

const namesOf = (only: string | undefined) => only?.split(',') ?? Object.keys(sections);
const { values, positionals } = readWords(usage, ['only', 'out', 'compare'], ['quick'], (words) => {
  const wrong = words.positionals.find((word) => !(Number.isInteger(Number(word)) && Number(word) > 0));
  const unknown = namesOf(words.values.only).find((name) => !(name in sections));
  return (
    (process.platform !== 'linux' && 'The bench reads CPU time and memory from /proc: it needs Linux.') ||
    (wrong !== undefined && `${wrong} is not a number of items.`) ||
    (unknown !== undefined && `There is no section ${unknown}.`)
  );
});
endOnSignals();

/** Read before the benchmark runs, so that a wrong file name fails at once. */
const before = values.compare === undefined ? undefined : readReport(values.compare);
const figures: Figure[] = [];
const failed: string[] = [];
for (const name of namesOf(values.only)) {
  try {
    figures.push(...((await sections[name]?.(values.quick, positionals.map(Number))) ?? []));
  } catch (error) {
    // Other sections take minutes to measure, and their figures stay valid.
    say(`${name}: ${(error as Error).message}`);
    failed.push(name);
  }
}
const report = createReport(figures, values.quick);
print(`\n${tableOf(figures)}\n\nWritten to ${writeReport(report, values.out)}`);
if (before !== undefined) print(`\n${compare(before, report)}`);
if (failed.length > 0) say(`Not measured: ${failed.join(', ')}`);
process.exit(failed.length > 0 ? 1 : 0);
