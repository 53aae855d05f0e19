import { access, readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { digestOf, sizeOf } from '../files.ts';
import { type ModelPrecision, towersOf } from '../model.ts';
import { readRecord } from '../quantization/make.ts';
import { isHubEntry, type ModelEntry } from '../registry/entries.ts';
import { precisionsIn, readModelFolder, towerFilesIn } from '../registry/folder.ts';
import { towerFile } from '../registry/layouts.ts';
import { defaultPrecision } from '../registry/precision.ts';
import { weightsAt } from '../registry/weights.ts';
import { contentFaultOf } from './content.ts';
import { faultOf } from './download.ts';
import { readManifest } from './manifest.ts';

export interface VerifiedFile {
  /** The path in the model's directory. */
  file: string;
  /** `unknown`: the file exists, but no hash of it is known. */
  state: 'intact' | 'damaged' | 'missing' | 'unknown';
  bytes: number;
  sha256: string | null;
  fault: string | null;
}

export interface Verified {
  model: string;
  revision: string;
  directory: string;
  /** `absent`: the directory of the model does not exist. */
  state: 'intact' | 'damaged' | 'absent';
  files: VerifiedFile[];
}

/** A file without a known hash, such as one that the user added, must only exist and be readable. */
export async function verify(entry: ModelEntry): Promise<Verified> {
  const { model, revision, directory } = entry;
  const isHere = await access(directory).then(
    () => true,
    () => false,
  );
  if (!isHere) return { model, revision, directory, state: 'absent', files: [] };

  const manifest = await readManifest(directory);
  const needed = [
    'tokenizer.json',
    'tokenizer_config.json',
    ...(manifest === undefined
      ? [
          'config.json',
          'preprocessor_config.json',
          ...(await graphsWithWeights(directory, (await precisionsIn(directory))[0] ?? defaultPrecision(entry))),
        ]
      : []),
    // The registry entry of a hub model lists files of all precisions, of which only some are downloaded.
    ...(isHubEntry(entry) ? [] : Object.keys(entry.files)),
  ];
  const names = [...new Set([...needed, ...Object.keys(manifest?.files ?? {})])].sort();
  const files: VerifiedFile[] = [];
  for (const name of names) {
    const known = manifest?.files[name];
    const pinned = entry.files[name];
    files.push(
      await verifyFile(directory, name, {
        bytes: pinned?.bytes ?? known?.bytes,
        sha256: pinned?.sha256 ?? known?.sha256,
      }),
    );
  }
  for (const { path, bytes, sha256 } of await madeFiles(entry.madeDirectory)) {
    files.push(await verifyFile(entry.madeDirectory, path, { bytes, sha256 }));
  }
  const fault = await readModelFolder(directory, entry).then(
    () => undefined,
    (error: Error) => error.message,
  );
  for (const file of files) {
    if (file.state !== 'damaged' && file.state !== 'missing' && fault?.includes(file.file)) {
      file.state = 'damaged';
      file.fault = fault;
    }
  }
  const isIntact = fault === undefined && files.every(({ state }) => state === 'intact' || state === 'unknown');
  return { model, revision, directory, state: isIntact ? 'intact' : 'damaged', files };
}

/** Lists derived files, such as int8 graphs. */
async function madeFiles(madeDirectory: string): Promise<{ path: string; bytes: number; sha256: string }[]> {
  const names = await readdir(join(madeDirectory, 'onnx')).catch(() => []);
  const records = await Promise.all(
    names.filter((name) => name.endsWith('.json')).map((name) => readRecord(join(madeDirectory, 'onnx', name))),
  );
  return records.flatMap((record) =>
    Object.entries(record?.files ?? {}).map(([name, known]) => ({ path: `onnx/${name}`, ...known })),
  );
}

async function graphsWithWeights(directory: string, precision: ModelPrecision): Promise<string[]> {
  const graphs = await towerFilesIn(directory, precision);
  if (graphs === undefined) {
    const { vision, text } = towersOf(precision);
    return [towerFile('vision', vision), towerFile('text', text)];
  }
  const weights = await Promise.all(
    // An unreadable graph is itself reported as damaged.
    graphs.map((graph) => weightsAt(join(directory, graph)).catch(() => [])),
  );
  return [...graphs, ...weights.flat().map((path) => relative(directory, path).replaceAll(sep, '/'))];
}

async function verifyFile(
  directory: string,
  file: string,
  expected: { bytes: number | undefined; sha256: string | undefined },
): Promise<VerifiedFile> {
  const path = join(directory, file);
  const bytes = await sizeOf(path);
  if (bytes === 0) return { file, state: 'missing', bytes, sha256: null, fault: 'the file is missing or empty' };
  const digest = await digestOf(path, bytes);
  const fault = faultOf(digest, expected) ?? (await contentFaultOf(path, file)) ?? null;
  const state = fault !== null ? 'damaged' : expected.sha256 === undefined ? 'unknown' : 'intact';
  return { file, state, bytes, sha256: digest.sha256, fault };
}
