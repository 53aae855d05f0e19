import { realpathSync } from 'node:fs';
import { delimiter, dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shellQuoted } from './shell-word.ts';

/**
 * Returns the command that started this program, such as `vls` or `npx vls`, for messages. A fixed `npx vls` would
 * download an unrelated package outside of a checkout.
 * @param script the path that the shell or npx started.
 */
export function calledAs(script: string, env: NodeJS.ProcessEnv, directory: string): string {
  if (env['npm_command'] === 'exec') {
    // npx stores a downloaded package in its cache. Its command contains the package name, which may differ from the
    // program name.
    const [, fetched] = /[\\/]_npx[\\/].+?node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/.exec(realOf(script)) ?? [];
    return `npx ${fetched?.replace('\\', '/') ?? 'vls'}`;
  }
  if (script.endsWith(`${sep}vls`)) {
    const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
    if (folders.some((folder) => resolve(directory, folder) === dirname(script))) return 'vls';
    return fromHere(script, directory, `.${sep}`);
  }
  return `node ${fromHere(script, directory, '')}`;
}

/** Returns a path inside the directory as relative, and any other path unchanged. */
function fromHere(path: string, directory: string, prefix: string): string {
  const short = relative(directory, path);
  return short.startsWith('..') ? path : prefix + short;
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/**
 * Returns a command that starts the command line in the directory where the service was started. npx may be absent
 * outside a checkout, such as in a container.
 */
export function callableFrom(env: NodeJS.ProcessEnv, root: string, directory: string): string {
  if (env['npm_command'] !== undefined) return 'npx vls';
  return `node ${fromHere(join(root, 'cli', 'vls.js'), directory, '')}`;
}

function ownWords(): string {
  const { env, argv } = process;
  // A parent process passes the typed command to encoder processes, which cannot find it out.
  if (env['VLS_CALLED'] !== undefined) return env['VLS_CALLED'];
  // `vls.js` passes its own path, because `main.ts` runs in another process.
  const script = env['VLS_SCRIPT'] ?? argv[1] ?? '';
  if (/[\\/]vls(\.js)?$/.test(script)) return calledAs(script, env, process.cwd());
  return callableFrom(env, fileURLToPath(new URL('..', import.meta.url)), process.cwd());
}

/** The command with which a user can start the command line, in this process's start directory. */
export const called: string = ownWords();

/** A path that needs no quotes. On Windows, backslashes are separators. */
const plainPath = /^[\w@%+=:,./\\-]+$/;

/**
 * Returns the flags that a command needs to find the same models as this process, with a leading space; empty for the
 * defaults. Another terminal does not have the variables of this process.
 * @param directory the directory in which the user will run the command.
 */
export function modelFlags(
  { dataDir, modelsFile }: { dataDir: string; modelsFile?: string | undefined },
  directory = process.cwd(),
): string {
  const quoted = (path: string) => {
    const short = fromHere(path, directory, '');
    return plainPath.test(short) ? short : shellQuoted(short);
  };
  const isDefault = dataDir === resolve(directory, '.data');
  return [
    ...(isDefault ? [] : [` --data-dir ${quoted(dataDir)}`]),
    ...(modelsFile === undefined ? [] : [` --models-file ${quoted(modelsFile)}`]),
  ].join('');
}
