import { type Command, Option } from 'commander';
import type { ModelSpec } from '../../models/model.ts';
import type { Finding, ParityReport } from '../../models/parity/check.ts';
import { called, modelFlags } from '../../shared/called.ts';
import type { Config } from '../../shared/config.ts';
import { type CommandDeps, contextOf } from '../context.ts';
import { exitCodes, UsageError } from '../failures.ts';
import { styled, table } from '../output.ts';
import { counted } from '../progress.ts';
import { driftOfInt8, formatDrift } from './drift.ts';

interface Options {
  precision?: 'int8';
  threshold?: string;
}

/**
 * `vls models check`: compares the outputs of a model with its golden values, which a reference implementation computed, and
 * names the cause of a difference.
 */
export function addCheckCommand(models: Command, deps: CommandDeps): void {
  models
    .command('check')
    .description(
      'Run a model on built-in images and texts, compare its outputs with its golden values, and name the probable cause of each difference.',
    )
    .argument('<name>', 'profile or model')
    .addOption(
      new Option(
        '-p, --precision <name>',
        'print how far the cosines at this precision differ from those at fp32',
      ).choices(['int8']),
    )
    .option(
      '--threshold <cosine>',
      'with --precision: count the pairs whose cosine moves across this threshold; default the median cosine',
    )
    .action(async (name: string, { precision: compared, threshold }: Options, command: Command) => {
      const context = contextOf(deps, command);
      if (compared !== undefined) {
        const { spec, drift } = await driftOfInt8(context.config, name, cosineIn(threshold));
        const { model, revision, family, precision } = spec;
        return await context.result({ model, revision, family, precision, drift }, () =>
          formatDrift(describe(spec), drift),
        );
      }
      if (threshold !== undefined) throw new UsageError('--threshold needs --precision int8');
      const spec = await specOf(context.config, name);
      const { model, revision, family, precision, goldenPath } = spec;
      const { remarkOnCpu } = await import('../../models/registry/precision.ts');
      const remark = remarkOnCpu(precision);
      const facts = { model, revision, family, precision, remark: remark ?? null };
      const remarkLine = remark === undefined ? '' : `  ${remark}\n`;
      if (goldenPath === undefined) {
        const { cosinesOf } = await import('../../models/parity/cosines.ts');
        const { images, texts, cosines } = await cosinesOf(spec);
        const words = () =>
          `${describe(spec)}: the model runs, but no golden values (values of the reference library) are known to compare it with\n${remarkLine}` +
          table(context.stdout, [
            ['COSINE', ...images],
            ...texts.map((text, column) => [shortened(text), ...cosines.map((row) => (row[column] ?? 0).toFixed(4))]),
          ]) +
          `\`${called} models golden ${model} --python${modelFlags(context.config)}\` writes the script that makes them with the reference library.\n`;
        return await context.result({ ...facts, state: 'no_golden', images, texts, cosines }, words);
      }
      const { checkParity } = await import('../../models/parity/check.ts');
      const report = await checkParity(spec, goldenPath);
      await context.result({ ...facts, ...report }, () => format(spec, report, context.stdout) + remarkLine);
      if (report.state === 'differs') process.exitCode = exitCodes.failed;
    });
}

/** Returns a model on the CPU, so that the check does not depend on an accelerator. */
export async function specOf(settings: Config, name: string): Promise<ModelSpec> {
  const [{ loadRegistry }, { onCpu }] = await Promise.all([
    import('../../models/registry/registry.ts'),
    import('../../models/registry/execution.ts'),
  ]);
  const registry = await loadRegistry(settings, { ...onCpu, precision: settings.precision });
  return (await registry.resolve(name)).spec;
}

function cosineIn(threshold: string | undefined): number | undefined {
  if (threshold === undefined) return undefined;
  const value = Number(threshold);
  if (threshold.trim() === '' || !(value >= -1 && value <= 1)) {
    throw new UsageError(`--threshold must be a cosine from -1 to 1, not ${threshold}`);
  }
  return value;
}

const describe = ({ model, revision, family, precision }: ModelSpec): string =>
  `${model} (${family}, revision ${revision.slice(0, 12)}, ${precision} on the CPU)`;

const shortened = (text: string): string => JSON.stringify(text.length > 40 ? `${text.slice(0, 39)}…` : text);

function format(spec: ModelSpec, report: ParityReport, stream: NodeJS.WriteStream): string {
  const { state, source, images, texts, pairs, findings } = report;
  const verdict =
    state === 'agrees'
      ? styled(stream, 'green', 'agrees with its golden values')
      : styled(stream, 'red', 'differs from its golden values');
  const lowest = (what: string, { compared, lowest: cosine }: ParityReport['images']) =>
    compared === 0 ? [] : [`  ${compared} ${what}: lowest cosine ${cosine === null ? 'none' : cosine.toFixed(6)}`];
  const lines = [
    `${describe(spec)}: ${verdict} (${source})`,
    ...lowest('images', images),
    ...lowest('texts', texts),
    ...(pairs.compared === 0
      ? []
      : [
          `  ${counted(pairs.compared, 'pair')}: largest difference of a cosine ${pairs.largest?.toFixed(6) ?? 'unknown'}`,
        ]),
    ...findings.flatMap((finding) => formatFinding(finding, stream)),
  ];
  return `${lines.join('\n')}\n`;
}

/** The file and the field in which to correct each cause. */
const places: Partial<Record<Finding['cause'], string>> = {
  mean: '`image_mean` and `image_std` of preprocessor_config.json, or `preprocess` of the registry entry',
  filter: '`resample` of preprocessor_config.json, or `interpolation` of the preprocessing of OpenCLIP',
  crop: '`size` of preprocessor_config.json, or `resize_mode` of the preprocessing of OpenCLIP',
  transparency: '`family` of the registry entry: the family decides how images are converted to RGB',
  padding: '`family` of the registry entry: the family decides the padding',
  mask: '`family` of the registry entry: the family decides the mask',
  cleaning: '`family` of the registry entry: the family decides the cleaning',
  length: '`contextLength` of the registry entry, or the number of positions in config.json',
  output: 'the export: the embedding is another output of the graph',
  tokenizer: 'the files of the tokenizer',
  probability: '`logitScale` and `logitBias` of the registry entry',
};

function formatFinding({ side, cause, from, to }: Finding, stream: NodeJS.WriteStream): string[] {
  const change =
    to === '' ? from : cause === 'tokenizer' ? `${from}; the reference has ${to}` : `${from}; ${to} agrees`;
  const place = places[cause];
  return [
    `${styled(stream, 'red', `${side === 'model' ? '' : `${side}: `}${cause}`)}: ${change}`,
    ...(place === undefined ? [] : [`  see ${place}`]),
  ];
}
