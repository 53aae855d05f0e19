import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { takeLock } from '../../shared/file-lock.ts';
import { type Digest, digestOf, sizeOf, writeJson } from '../files.ts';
import type { ModelSpec } from '../model.ts';
import { ownInt8 } from '../registry/made.ts';
import { quantize, weightsOf } from './quantize.ts';

const hashed = z.object({ bytes: z.int().min(0), sha256: z.string() });
const recordFile = z.object({
  version: z.literal(ownInt8),
  /** The fp32 graph. With an unchanged size and modification time (ms), its content is not read again. */
  from: hashed.extend({ path: z.string(), modified: z.number() }),
  madeAt: z.string(),
  files: z.record(z.string(), hashed),
});

/** The record of a graph that this service made, in a file next to the graph. */
export type MadeRecord = z.output<typeof recordFile>;

export const recordOf = (graph: string): string => graph.replace(/\.onnx$/, '.json');

/** Returns undefined when the graph has no readable record. */
export async function readRecord(graph: string): Promise<MadeRecord | undefined> {
  try {
    return recordFile.parse(JSON.parse(await readFile(recordOf(graph), 'utf8')));
  } catch {
    return undefined;
  }
}

export interface MakeOptions {
  /** True to remake graphs that are up to date. */
  again?: boolean;
  outputs: ModelSpec['outputs'];
}

/**
 * Makes the int8 graphs that are missing or whose fp32 graphs have changed. Of several processes, one makes a graph and
 * the others wait.
 * @returns the paths of the graphs that were made.
 * @throws {Error} naming the file, when a graph cannot be converted or written.
 */
export async function makeGraphs(
  made: NonNullable<ModelSpec['made']>,
  { again = false, outputs }: MakeOptions,
): Promise<string[]> {
  const done: string[] = [];
  for (const { from, to } of made) {
    if (!again && (await isCurrent(from, to))) continue;
    try {
      const release = await takeLock(join(dirname(to), '.int8.lock'), () => {});
      try {
        if (!again && (await isCurrent(from, to))) continue;
        await make(from, to, outputs);
        done.push(to);
      } finally {
        release();
      }
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      if (code === undefined) throw cause;
      throw new Error(`The int8 form of ${from} cannot be written to ${dirname(to)}: ${message}`, { cause });
    }
  }
  return done;
}

async function isCurrent(from: string, to: string): Promise<boolean> {
  const record = await readRecord(to);
  if (record === undefined) return false;
  const sizes = await Promise.all(Object.keys(record.files).map((name) => sizeOf(join(dirname(to), name))));
  if (Object.values(record.files).some(({ bytes }, at) => bytes !== sizes[at])) return false;
  const { size, mtimeMs } = await stat(from);
  if (size !== record.from.bytes) return false;
  // A copy of a folder may have other modification times, so the content decides.
  return mtimeMs === record.from.modified || (await digestOf(from, size)).sha256 === record.from.sha256;
}

async function make(from: string, to: string, outputs: ModelSpec['outputs']): Promise<void> {
  const folder = dirname(to);
  await mkdir(folder, { recursive: true });
  // In a new folder, both files can have their final names: a graph names its weights file. The folder is on the
  // target's disk, so a rename suffices.
  const staging = join(folder, `.int8-${randomUUID()}`);
  await mkdir(staging);
  try {
    const graph = join(staging, basename(to));
    await quantize(from, graph, [outputs.image, outputs.text]);
    const { size, mtimeMs } = await stat(from);
    const source = await digestOf(from, size);
    const files: MadeRecord['files'] = {};
    for (const path of [weightsOf(graph), graph])
      files[basename(path)] = pick(await digestOf(path, await sizeOf(path)));
    const record: MadeRecord = {
      version: ownInt8,
      from: { path: from, modified: mtimeMs, ...pick(source) },
      madeAt: new Date().toISOString(),
      files,
    };
    // The record is written last, because a graph without a record is made again.
    await rm(recordOf(to), { force: true });
    await rename(weightsOf(graph), weightsOf(to));
    await rename(graph, to);
    await writeJson(recordOf(to), record);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

const pick = ({ bytes, sha256 }: Digest) => ({ bytes, sha256 });
