import { spawnSync } from 'node:child_process';

/** A Python that imports what is asked for, or why there is none. */
export type Python = { path: string; reason?: undefined } | { path?: undefined; reason: string };

/** @param modules names as they are imported; `PYTHON` names the interpreter, `python3` is tried otherwise. */
export function findPython(modules: readonly string[]): Python {
  const path = process.env['PYTHON'] ?? 'python3';
  const { status, stderr } = spawnSync(path, ['-c', `import ${modules.join(', ')}`], { encoding: 'utf8' });
  if (status === 0) return { path };
  const cause = stderr?.trim().split('\n').at(-1) || 'it cannot be started';
  return {
    reason: `${path} has not all of ${modules.join(', ')} (${cause}); make a virtual environment with them and name its interpreter in PYTHON`,
  };
}
