import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { inOurWords } from '../../shared/validation-words.ts';

/** Small files that describe a model. Each family needs only some of them. */
export const configNames = [
  'config.json',
  'preprocessor_config.json',
  'open_clip_config.json',
  'preprocess_cfg.json',
  'tokenizer_config.json',
] as const;
export type ConfigName = (typeof configNames)[number];

export interface FolderFiles {
  /** Returns parsed JSON; undefined when the file does not exist. */
  json(name: ConfigName): unknown;
  /**
   * Returns validated content; undefined when the file does not exist.
   * @throws {Error} naming the file and the invalid field.
   */
  parsed<Schema extends z.ZodType>(name: ConfigName, schema: Schema): z.output<Schema> | undefined;
  has(name: string): boolean;
  path(name: ConfigName): string;
}

/** @throws {Error} naming a file whose content is not JSON. */
export async function readFolderFiles(directory: string): Promise<FolderFiles> {
  const path = (name: ConfigName) => join(directory, name);
  const read = await Promise.all(configNames.map(async (name) => [name, await readJson(path(name))] as const));
  const contents = new Map<ConfigName, unknown>(read);
  const names = new Set(await readdir(directory).catch(() => []));
  return {
    path,
    has: (name) => names.has(name),
    json: (name) => contents.get(name),
    parsed(name, schema) {
      const content = contents.get(name);
      if (content === undefined) return undefined;
      const parsed = schema.safeParse(content, { error: inOurWords });
      if (!parsed.success) throw new Error(`${path(name)}: ${z.prettifyError(parsed.error)}`);
      return parsed.data;
    },
  };
}

/** Returns the error for a missing file, with `code` `ENOENT` as in errors of the file system. */
export const absent = (path: string): Error =>
  Object.assign(new Error(`${path} does not exist`), { code: 'ENOENT' as const });

async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${path} is not JSON: ${(cause as Error).message}`, { cause });
  }
}
