import { readFileSync } from 'node:fs';
import type { Redis } from '../shared/redis.ts';

/** The Lua scripts beside this file, each one atomic step of a batch; their keys and answers are told at their top. */
const scripts = {
  dispatch: 2,
  seal: 3,
  pick: 6,
  commit: 11,
  release: 4,
  cancel: 3,
  refuse: 2,
  'take-turn': 3,
  reserve: 1,
  hold: 1,
  annotate: 1,
  claim: 2,
  unclaim: 2,
} as const;

export type ScriptName = keyof typeof scripts;

const read = (name: string): string => readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');

const sources = Object.fromEntries(
  Object.keys(scripts).map((name) => [
    name,
    read(name).replace(/^--@include (\S+)$/gm, (_, piece: string) => read(piece)),
  ]),
);

type Argument = string | number | Buffer;
type Command = (...argumentsOf: Argument[]) => Promise<unknown>;

/**
 * Runs a script by its hash, or sends it when the server does not have it yet.
 * @returns what the script returns, strings as buffers.
 */
export async function runScript(redis: Redis, name: ScriptName, keys: string[], values: Argument[]): Promise<unknown> {
  const command = `vls:${name}Buffer`;
  const commands = redis as unknown as Record<string, Command | undefined>;
  if (commands[command] === undefined) {
    redis.defineCommand(`vls:${name}`, { numberOfKeys: scripts[name], lua: sources[name] ?? '' });
  }
  return await commands[command]?.(...keys, ...values);
}
