import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Redis } from './redis.ts';

type Argument = string | number | Buffer;
type Command = (...argumentsOf: Argument[]) => Promise<unknown>;

/**
 * Runs a Lua script atomically in Redis. Strings in the reply are buffers. On a cluster, all keys must be in the same
 * hash slot.
 */
export type Script = (redis: Redis, keys: readonly string[], values?: readonly Argument[]) => Promise<unknown>;

/** Script files by ioredis command. Commands are named after files, so file names must be unique. */
const filesByCommand = new Map<string, string>();

/**
 * Loads a Lua script. Each line `--@include <piece>` is replaced by the content of `<piece>.lua`, a path relative to
 * the script. A call sends only the script's hash, unless Redis does not know it.
 * @throws {Error} when another script has the same file name.
 */
export function loadScript(file: URL): Script {
  const lua = readFileSync(file, 'utf8').replace(/^--@include (\S+)$/gm, (_, piece: string) =>
    readFileSync(new URL(`${piece}.lua`, file), 'utf8'),
  );
  const command = `vls:${basename(file.pathname, '.lua')}`;
  const known = filesByCommand.get(command);
  if (known !== undefined && known !== file.href)
    throw new Error(`Two Lua scripts have the same name: ${file.href} and ${known}`);
  filesByCommand.set(command, file.href);
  return async (redis, keys, values = []) => {
    const commands = redis as unknown as Record<string, Command | undefined>;
    if (commands[`${command}Buffer`] === undefined) redis.defineCommand(command, { lua });
    return await commands[`${command}Buffer`]?.(keys.length, ...keys, ...values);
  };
}
