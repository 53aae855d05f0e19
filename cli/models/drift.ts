import { type ModelSpec, recipeOf } from '../../models/model.ts';
import type { MeasuredDrift } from '../../models/parity/drift.ts';
import type { Config } from '../../shared/config.ts';
import { CommandError } from '../failures.ts';
import { counted } from '../progress.ts';

/** Runs a model in fp32 and in int8 on the CPU, and compares the cosines of the same pairs. */
export async function driftOfInt8(
  settings: Config,
  name: string,
  threshold: number | undefined,
): Promise<{ spec: ModelSpec; drift: MeasuredDrift }> {
  const [{ loadRegistry }, { onCpu }, { ownInt8 }, { measureDrift }] = await Promise.all([
    import('../../models/registry/registry.ts'),
    import('../../models/registry/execution.ts'),
    import('../../models/registry/made.ts'),
    import('../../models/parity/drift.ts'),
  ]);
  const registry = await loadRegistry(settings, { ...onCpu, precision: 'int8' });
  const { spec } = await registry.resolve(name);
  const at = async (precision: string): Promise<ModelSpec> => {
    const found = await registry.resolvePinned({ ...recipeOf(spec), precision });
    if ('difference' in found) throw new CommandError('model.unavailable', found.difference);
    return found;
  };
  const int8 = spec.precision.includes('int8') ? spec : await at(ownInt8);
  return { spec: int8, drift: await measureDrift(await at('fp32'), int8, threshold) };
}

export const formatDrift = (title: string, drift: MeasuredDrift): string =>
  [
    `${title}: drift of cosines against fp32, ${counted(drift.pairs, 'pair')} of ${counted(drift.images, 'image')} and ${counted(drift.texts, 'text')}`,
    `  mean ${drift.mean.toFixed(4)}, largest ${drift.largest.toFixed(4)}, rank correlation ${drift.rankCorrelation.toFixed(4)}`,
    `  ${(100 * drift.changedSides).toFixed(1)} % of the pairs cross the threshold of ${drift.threshold.toFixed(4)}`,
    '',
  ].join('\n');
