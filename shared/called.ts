import { realpathSync } from 'node:fs';
import { delimiter, dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Returns the command with which the user started this program, such as `vls` or `npx vls`. Messages use it when they
 * name a command. A fixed `npx vls` would be wrong outside of a checkout: npx would download an unrelated package.
 * @param script the path of the script that the shell or npx started.
 */
export function calledAs(script: string, env: NodeJS.ProcessEnv, directory: string): string {
  if (env['npm_command'] === 'exec') {
    // npx stores a downloaded package in the cache of npm. A command with npx contains the name of the package, which
    // may differ from the name of the program.
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

/** Returns the path relative to the directory when the path is inside the directory; otherwise the unchanged path. */
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
 * Returns a command that starts the command line in the directory in which a process of the service was started. npm
 * runs scripts in a checkout, where npx finds the command. Elsewhere, such as in a container, npx may be absent.
 */
export function callableFrom(env: NodeJS.ProcessEnv, root: string, directory: string): string {
  if (env['npm_command'] !== undefined) return 'npx vls';
  return `node ${fromHere(join(root, 'cli', 'vls.js'), directory, '')}`;
}

function ownWords(): string {
  const { env, argv } = process;
  // A parent process knows the command that the user typed, and passes it to encoder processes in this variable. An
  // encoder process cannot find out the command itself.
  if (env['VLS_CALLED'] !== undefined) return env['VLS_CALLED'];
  // `vls.js` passes the path with which it was started in `VLS_SCRIPT`, because `main.ts` runs in another process.
  const script = env['VLS_SCRIPT'] ?? argv[1] ?? '';
  if (/[\\/]vls(\.js)?$/.test(script)) return calledAs(script, env, process.cwd());
  return callableFrom(env, fileURLToPath(new URL('..', import.meta.url)), process.cwd());
}

/** The command with which a user can start the command line, in the directory in which this process was started. */
export const called: string = ownWords();
