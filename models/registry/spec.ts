import { access, stat } from 'node:fs/promises';
import { ServiceError } from '../../shared/errors.ts';
import {
  type ModelPrecision,
  type ModelSpec,
  type Precision,
  precisionName,
  type TowerPrecision,
  type TowerPrecisions,
  towersOf,
} from '../model.ts';
import type { ModelEntry } from './entries.ts';
import type { Execution } from './execution.ts';
import { readModelFolder, towersHere } from './folder.ts';
import { ownInt8, towersWithMade } from './made.ts';
import { defaultPrecision, precisionFor, precisionsOfTowers, remarkOnCpu, type TowersHere } from './precision.ts';
import { weightsAt } from './weights.ts';

/** The estimated bytes of an encoder process without a model, including Node, ONNX Runtime and sharp. */
const processBytes = 150_000_000;
/**
 * The estimated size of an int8 graph, relative to its fp32 graph: above a quarter, because embedding tables stay in
 * fp32.
 */
const madeShare = 0.4;

/**
 * @param pinned the precision that must be used, if it has already been decided.
 * @throws {ServiceError} `model.unavailable`, with the missing files and the command that downloads them.
 */
export async function readSpec(entry: ModelEntry, execution: Execution, pinned?: ModelPrecision): Promise<ModelSpec> {
  const { model, directory } = entry;
  try {
    const { precision, reason } = await choosePrecision(entry, execution, pinned);
    const towers = await towersWithMade(directory, entry.madeDirectory, precision);
    const folder = { ...(await readModelFolder(directory, entry)), ...towers };
    const { visionPath, textPath, tokenizerPath, made = [] } = folder;
    const isMade = (path: string) => made.some(({ to }) => to === path);
    await Promise.all([visionPath, textPath, tokenizerPath].map((path) => isMade(path) || access(path)));
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
      memoryBytes: await memoryOf(entry, precision, [...new Set([visionPath, textPath])], made),
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
  const remedy = entry.pullCommand === null ? '' : `; \`${entry.pullCommand}\` fetches them`;
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
    return here.vision.includes(fileOf(vision)) && here.text.includes(fileOf(text));
  };
  const named = withInt8(namedPrecision(entry, execution, pinned), here, execution, pinned);
  if (named !== undefined && isHere(named.precision)) return named;
  if (named !== undefined && (pinned !== undefined || !execution.deviceFallback)) {
    const { vision, text } = towersOf(named.precision);
    const pullable = (each: TowerPrecision) => {
      if (each === ownInt8) return 'int8';
      return each === 'int8' && (pinned !== undefined || execution.device.provider !== 'cpu')
        ? 'repository-int8'
        : each;
    };
    const flags = [...new Set([vision, text].map(pullable))];
    const flag = named.precision === defaultPrecision(entry) ? '' : ` --precision ${flags.join(' ')}`;
    const remedy = entry.pullCommand === null ? '' : `; \`${entry.pullCommand}${flag}\` fetches it`;
    throw new ServiceError(
      'model.unavailable',
      `${entry.model} has ${choices.join(' and ')} here, not ${named.precision}${remedy}`,
    );
  }
  // Every choice below respects a precision that the entry states for one encoder.
  const suits = (precision: TowerPrecision) => precisionFor(entry, precision);
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

/** Returns the precision of the file from which an encoder is loaded or made. */
const fileOf = (precision: TowerPrecision): Precision => (precision === ownInt8 ? 'fp32' : precision);

interface Named {
  precision: ModelPrecision;
  reason: string;
}

/**
 * Replaces `int8` by the int8 form of this service where fp32 files exist: in int8 files of a repository, one scale for
 * all activations of a run lets the other inputs change a score. A precision that a batch has pinned stays. Devices
 * other than a CPU have no kernels for this form.
 */
function withInt8(
  named: Named | undefined,
  here: TowersHere,
  { device }: Execution,
  pinned: ModelPrecision | undefined,
): Named | undefined {
  if (named === undefined || pinned !== undefined) return named;
  const towers = towersOf(named.precision);
  if (towers.vision !== 'int8' && towers.text !== 'int8') return named;
  const own = (tower: keyof TowerPrecisions): TowerPrecision =>
    towers[tower] === 'int8' && device.provider === 'cpu' && here[tower].includes('fp32') ? ownInt8 : towers[tower];
  const precision = precisionName({ vision: own('vision'), text: own('text') });
  const isDependent = Object.values(towersOf(precision)).includes('int8');
  const note = '; with the int8 files of a repository, a score also depends on the other inputs of the same run';
  return { precision, reason: `${named.reason}${isDependent ? note : ''}` };
}

/** Returns the precision that the batch, the registry entry or `PRECISION` states, in this order; or undefined. */
function namedPrecision(
  entry: ModelEntry,
  { precision: asked }: Execution,
  pinned: ModelPrecision | undefined,
): Named | undefined {
  if (pinned !== undefined) return { precision: pinned, reason: 'pinned by the batch' };
  const { vision, text } = entry.precision ?? {};
  if (vision !== undefined && text !== undefined)
    return { precision: precisionName({ vision, text }), reason: 'its registry entry' };
  return asked === 'auto' ? undefined : { precision: precisionFor(entry, asked), reason: 'PRECISION' };
}

/**
 * Returns the memory of an encoder process in bytes: for fp32 the value in the registry entry, if any; otherwise an
 * estimate, at most that value. ONNX Runtime also stores rearranged copies of the weights.
 */
async function memoryOf(
  entry: ModelEntry,
  precision: ModelPrecision,
  files: readonly string[],
  made: NonNullable<ModelSpec['made']>,
): Promise<number> {
  if (entry.memoryBytes !== undefined && precision === 'fp32') return entry.memoryBytes;
  const sizeOf = async (file: string): Promise<number> => {
    const from = made.find(({ to }) => to === file)?.from;
    const paths = [from ?? file, ...(await weightsAt(from ?? file))];
    const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
    return sizes.reduce((sum, size) => sum + size, 0) * (from === undefined ? 1 : madeShare);
  };
  const sizes = await Promise.all(files.map(sizeOf));
  const estimate = processBytes + 1.5 * sizes.reduce((sum, size) => sum + size, 0);
  return Math.round(Math.min(estimate, entry.memoryBytes ?? estimate));
}
