import { parseArgs } from 'node:util';

/**
 * Ends this process on SIGINT and SIGTERM by `process.exit`. Child processes then end too, through `exit` handlers and
 * closed IPC channels.
 */
export function endOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
}

export const say = (line: string): void => void process.stderr.write(`${line}\n`);
export const print = (text: string): void => void process.stdout.write(`${text}\n`);

type Options<Name extends string, Flag extends string> = {
  values: Partial<Record<Name, string>> & Record<Flag, boolean>;
  positionals: string[];
};

/**
 * Parses the command line. `--help` prints the usage. An unknown option or a problem exits with 2.
 * @param texts the names of options with a value.
 * @param flags the names of options without a value.
 * @param problemOf returns a problem with the arguments, or undefined.
 */
export function readWords<Name extends string, Flag extends string = never>(
  usage: string,
  texts: readonly Name[],
  flags: readonly Flag[] = [],
  problemOf: (words: Options<Name, Flag>) => string | false | undefined = () => undefined,
): Options<Name, Flag> {
  const options = Object.fromEntries([
    ...texts.map((name) => [name, { type: 'string' }]),
    ...[...flags, 'help'].map((name) => [name, { type: 'boolean', default: false }]),
  ]);
  let words: Options<Name, Flag | 'help'>;
  try {
    words = parseArgs({ allowPositionals: true, options }) as unknown as typeof words;
  } catch (error) {
    print(`${(error as Error).message}\n\n${usage}`);
    process.exit(2);
  }
  const problem = words.values.help ? undefined : problemOf(words);
  if (words.values.help || problem) {
    print(problem ? `${problem}\n\n${usage}` : usage);
    process.exit(problem ? 2 : 0);
  }
  return words;
}
