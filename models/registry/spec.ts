import { access, stat } from 'node:fs/promises';
import { ServiceError } from '../../shared/errors.ts';
import type { ModelSpec, Precision } from '../model.ts';
import { isHubEntry, type ModelEntry } from './entries.ts';
import type { Execution } from './execution.ts';
import { precisionsIn, readModelFolder, towersIn } from './folder.ts';
import { weightsAt } from './weights.ts';

/** Node, ONNX Runtime and sharp, before a model is loaded, in bytes. */
const processBytes = 150_000_000;

/**
 * Reads what an encoder needs to know from the files of a model, and chooses its precision.
 * @param pinned the precision it must have, when that is settled.
 * @throws {ServiceError} `model.unavailable` with what is missing and how to get it.
 */
export async function readSpec(entry: ModelEntry, execution: Execution, pinned?: Precision): Promise<ModelSpec> {
  const { model, directory } = entry;
  try {
    const { precision, reason } = await choosePrecision(entry, execution, pinned);
    const folder = { ...(await readModelFolder(directory, entry)), ...(await towersIn(directory, precision)) };
    await Promise.all([folder.visionPath, folder.textPath, folder.tokenizerPath].map((path) => access(path)));
    const { provider, reason: whyThere } = execution.device;
    return {
      model,
      revision: entry.revision,
      precision,
      provider,
      choice: `${provider}: ${whyThere}; ${precision}: ${reason}`,
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
  { device, precision: asked, deviceFallback }: Execution,
  pinned: Precision | undefined,
): Promise<{ precision: Precision; reason: string }> {
  const here = await precisionsIn(entry.directory);
  const [any] = here;
  if (any === undefined) throw new ServiceError('model.unavailable', absence(entry));
  const isHere = (precision: Precision) => here.includes(precision);
  const named = pinned ?? entry.precision ?? (asked === 'auto' ? undefined : asked);
  const why = pinned ? 'as the batch was posted' : entry.precision ? 'its registry entry' : 'PRECISION';
  if (named !== undefined && isHere(named)) return { precision: named, reason: why };
  if (named !== undefined && (pinned !== undefined || !deviceFallback)) {
    const remedy = isHubEntry(entry) ? `; \`npx vls models pull ${entry.model} --precision ${named}\` fetches it` : '';
    throw new ServiceError('model.unavailable', `${entry.model} has ${here.join(' and ')} here, not ${named}${remedy}`);
  }
  if (named !== undefined)
    return { precision: isHere('fp32') ? 'fp32' : any, reason: `fallback, there is no ${named}` };
  if (device.provider !== 'cpu' && isHere('fp16')) return { precision: 'fp16', reason: 'the default on a GPU' };
  if (isHere('fp32')) return { precision: 'fp32', reason: 'the default' };
  return { precision: any, reason: 'the only one there is' };
}

/** As the entry says for fp32; else from the size of the files, which ONNX Runtime holds with packed copies. */
async function memoryOf(entry: ModelEntry, precision: Precision, files: readonly string[]): Promise<number> {
  if (entry.memoryBytes !== undefined && precision === 'fp32') return entry.memoryBytes;
  const weights = await Promise.all(files.map(weightsAt));
  const sizes = await Promise.all([...files, ...weights.flat()].map(async (file) => (await stat(file)).size));
  const estimate = processBytes + 1.5 * sizes.reduce((sum, size) => sum + size, 0);
  return Math.round(Math.min(estimate, entry.memoryBytes ?? estimate));
}
