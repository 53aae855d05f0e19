import { execFile } from 'node:child_process';

export interface Output {
  stdout: string;
  stderr: string;
}

/** Runs a program to its end. @throws {Error} with its last lines if it fails. */
export function runProgram(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  cwd?: string,
): Promise<Output> {
  return new Promise((resolve, reject) => {
    const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 };
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve({ stdout, stderr });
      const lines = `${stdout}${stderr}`.trim().split('\n').slice(-15).join('\n');
      reject(new Error(`${program} ${args.join(' ')} ended with ${error.code}:\n${lines}`));
    });
  });
}

/** True if `version` (1.2.3) is at least `least` (1.2). */
export function isAtLeast(version: string, least: string): boolean {
  const [a, b] = [version, least].map((text) => (text.match(/\d+/g) ?? []).map(Number)) as [number[], number[]];
  for (const [at, needed] of b.entries()) {
    if ((a[at] ?? 0) !== needed) return (a[at] ?? 0) > needed;
  }
  return true;
}
