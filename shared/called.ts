import { realpathSync } from 'node:fs';
import { delimiter, dirname, relative, resolve, sep } from 'node:path';

/**
 * Returns the command by which the user called this program, such as `vls` or `npx vls`. Messages use it when they name
 * a command. A fixed `npx vls` would be wrong outside of a checkout: npx would download an unrelated package.
 * @param script the path of the script that the shell or npx started.
 */
export function calledAs(script: string, env: NodeJS.ProcessEnv, directory: string): string {
  if (env['npm_command'] === 'exec') {
    // npx stores a downloaded package in the cache of npm. npx needs the name of the package, which may differ from
    // that of the command.
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

/** Returns the path relative to the directory when the path is inside the directory; otherwise unchanged. */
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

const script = process.env['VLS_SCRIPT'] ?? process.argv[1] ?? 'vls';
/**
 * The command by which this program was called. `vls.js` passes the path of its script on, because `main.ts` runs in
 * another process.
 */
export const called: string = calledAs(script, process.env, process.cwd());
