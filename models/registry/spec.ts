import { access, stat } from 'node:fs/promises';
import { ServiceError } from '../../shared/errors.ts';
import { type ModelPrecision, type ModelSpec, type Precision, precisionName, towersOf } from '../model.ts';
import { isHubEntry, type ModelEntry } from './entries.ts';
import type { Execution } from './execution.ts';
import { readModelFolder, towersHere, towersIn } from './folder.ts';
import { defaultPrecision, precisionFor, precisionsOfTowers, remarkOnCpu } from './precision.ts';
import { weightsAt } from './weights.ts';

/** The memory in bytes of Node, ONNX Runtime and sharp, without a model. */
const processBytes = 150_000_000;

/**
 * Reads everything that an encoder needs from the files of a model, and chooses the precision.
 * @param pinned the precision that must be used, if already decided.
 * @throws {ServiceError} `model.unavailable`, with the missing files and how to get them.
 */
export async function readSpec(entry: ModelEntry, execution: Execution, pinned?: ModelPrecision): Promise<ModelSpec> {
  const { model, directory } = entry;
  try {
    const { precision, reason } = await choosePrecision(entry, execution, pinned);
    const folder = { ...(await readModelFolder(directory, entry)), ...(await towersIn(directory, precision)) };
    await Promise.all([folder.visionPath, folder.textPath, folder.tokenizerPath].map((path) => access(path)));
    const { provider, reason: whyThere } = execution.device;
    const remark = provider === 'cpu' ? remarkOnCpu(precision) : undefined;
    return {
      model,
      revision: entry.revision,
      precision,
      provider,
      choice: `${provider}: ${whyThere}; ${precision}: ${reason}${remark === undefined ? '' : `; ${remark}`}`,
      preprocess: execution.preprocess,
      microBatch: entry.microBatch,
      memoryBytes: await memoryOf(entry, precision, [...new Set([folder.visionPath, folder.textPath])]),
      ...folder,
    };
  } catch (cause) {
    if (cause instanceof ServiceError) throw cause;
    const absent = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const message = absent ? absence(entry) : `The files of ${model} cannot be used: ${(cause as Error).message}`;
    throw new ServiceError('model.unavailable', message, { cause });
  }
}

function absence(entry: ModelEntry): string {
  const remedy = isHubEntry(entry) ? `; \`npx vls models pull ${entry.model}\` fetches them` : '';
  return `The files of ${entry.model} are not in ${entry.directory}${remedy}`;
}

async function choosePrecision(
  entry: ModelEntry,
  execution: Execution,
  pinned: ModelPrecision | undefined,
): Promise<{ precision: ModelPrecision; reason: string }> {
  const here = await towersHere(entry.directory);
  const choices = precisionsOfTowers(here);
  if (choices.length === 0) throw new ServiceError('model.unavailable', absence(entry));
  const isHere = (precision: ModelPrecision) => {
    const { vision, text } = towersOf(precision);
    return here.vision.includes(vision) && here.text.includes(text);
  };
  const named = namedPrecision(entry, execution, pinned);
  if (named !== undefined && isHere(named.precision)) return named;
  if (named !== undefined && (pinned !== undefined || !execution.deviceFallback)) {
    const { vision, text } = towersOf(named.precision);
    const flag =
      named.precision === defaultPrecision(entry) ? '' : ` --precision ${[...new Set([vision, text])].join(' ')}`;
    const remedy = isHubEntry(entry) ? `; \`npx vls models pull ${entry.model}${flag}\` fetches it` : '';
    throw new ServiceError(
      'model.unavailable',
      `${entry.model} has ${choices.join(' and ')} here, not ${named.precision}${remedy}`,
    );
  }
  // The entry's statement about one tower applies to each choice.
  const suits = (precision: Precision) => precisionFor(entry, precision);
  const [any = 'fp32'] = choices;
  if (named !== undefined) {
    return { precision: isHere('fp32') ? 'fp32' : any, reason: `fallback, since ${named.precision} is missing` };
  }
  if (execution.device.provider !== 'cpu' && isHere(suits('fp16'))) {
    return { precision: suits('fp16'), reason: 'the default on a GPU' };
  }
  if (isHere(suits('fp32'))) return { precision: suits('fp32'), reason: 'the default' };
  return {
    precision: choices.find((each) => each === suits(towersOf(each).vision)) ?? any,
    reason: 'the only one available',
  };
}

/** Returns the precision that the batch, the registry entry or `PRECISION` states, if any of them does. */
function namedPrecision(
  entry: ModelEntry,
  { precision: asked }: Execution,
  pinned: ModelPrecision | undefined,
): { precision: ModelPrecision; reason: string } | undefined {
  if (pinned !== undefined) return { precision: pinned, reason: 'pinned by the batch' };
  const { vision, text } = entry.precision ?? {};
  if (vision !== undefined && text !== undefined)
    return { precision: precisionName({ vision, text }), reason: 'its registry entry' };
  return asked === 'auto' ? undefined : { precision: precisionFor(entry, asked), reason: 'PRECISION' };
}

/**
 * Returns the memory of an encoder in bytes: the value that the registry entry states for fp32, else an estimate from
 * the size of the files, since ONNX Runtime keeps the weights and packed copies.
 */
async function memoryOf(entry: ModelEntry, precision: ModelPrecision, files: readonly string[]): Promise<number> {
  if (entry.memoryBytes !== undefined && precision === 'fp32') return entry.memoryBytes;
  const weights = await Promise.all(files.map(weightsAt));
  const sizes = await Promise.all([...files, ...weights.flat()].map(async (file) => (await stat(file)).size));
  const estimate = processBytes + 1.5 * sizes.reduce((sum, size) => sum + size, 0);
  return Math.round(Math.min(estimate, entry.memoryBytes ?? estimate));
}
