import { readFileSync } from 'node:fs';
import type { Redis } from './redis.ts';

type Argument = string | number | Buffer;
type Command = (...argumentsOf: Argument[]) => Promise<unknown>;

/** Runs a script by its hash, or sends it when the server does not have it yet; strings come back as buffers. */
export type RunScript<Name extends string> = (
  redis: Redis,
  name: Name,
  keys: string[],
  values: Argument[],
) => Promise<unknown>;

/**
 * Lua scripts, each one atomic step; their keys and answers are told at their top.
 * @param directory of `<name>.lua`; a line `--@include <piece>` stands for another file there.
 * @param scripts the number of keys of each.
 */
export function loadScripts<Name extends string>(directory: URL, scripts: Record<Name, number>): RunScript<Name> {
  const read = (name: string): string => readFileSync(new URL(`${name}.lua`, directory), 'utf8');
  const sources = Object.fromEntries(
    Object.keys(scripts).map((name) => [
      name,
      read(name).replace(/^--@include (\S+)$/gm, (_, piece: string) => read(piece)),
    ]),
  );
  return async (redis, name, keys, values) => {
    const command = `vls:${name}Buffer`;
    const commands = redis as unknown as Record<string, Command | undefined>;
    if (commands[command] === undefined) {
      redis.defineCommand(`vls:${name}`, { numberOfKeys: scripts[name], lua: sources[name] ?? '' });
    }
    return await commands[command]?.(...keys, ...values);
  };
}
