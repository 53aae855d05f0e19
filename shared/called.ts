import { realpathSync } from 'node:fs';
import { delimiter, dirname, relative, resolve, sep } from 'node:path';

/**
 * Returns the words with which a user called the program, such as `vls` or `npx vls`. Messages name commands with them,
 * because `npx vls` outside of a checkout would fetch a package of somebody else.
 * @param script the path of the script that the shell or npx started.
 */
export function calledAs(script: string, env: NodeJS.ProcessEnv, directory: string): string {
  if (env['npm_command'] === 'exec') {
    // A package that npx has fetched lies in npm's cache. Its name, not that of its command, fetches it again.
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

/** Returns a path relative to the directory if it lies in it. */
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
/** The words with which this program was called. `vls.js` passes on its path, because `main.ts` is another process. */
export const called: string = calledAs(script, process.env, process.cwd());
