import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const entry = fileURLToPath(new URL('../../cli/vls.js', import.meta.url));
const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

/** Never called. It has `vitest --changed` know what a test runs that starts a command. */
export const modulesOfEntry = () => import('../../cli/main.ts');

/** The environment of a command: the paths of the user, and the test run's settings of encoders (vitest.config.ts). */
export function userEnvironment(): Record<string, string | undefined> {
  const { PATH, HOME, ENCODERS, MICRO_BATCH } = process.env;
  return { PATH, HOME, ENCODERS, MICRO_BATCH };
}

/** The program that the bootstrap would run, with the environment that it would give. It saves 0.1 s of CPU time. */
export const withoutBootstrap = {
  main,
  env: { VLS_SCRIPT: entry, NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '' },
};

/** A command that is running. */
export interface RunningVls {
  child: ChildProcess;
  /** Returns the output so far. */
  printed(): { stdout: string; stderr: string };
  /** Resolves when stdout or stderr has it; fails when the command ends before. */
  prints(pattern: RegExp): Promise<void>;
  ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

export interface VlsOptions {
  env?: Record<string, string>;
  cwd?: string;
  /** Content of stdin. */
  input?: Uint8Array;
}

/** `npx vls …` as a person types it: through cli/vls.js and the bootstrap, without a terminal. */
export const startVls = (args: string[], options: VlsOptions = {}): RunningVls => startScript(entry, args, options);

function startScript(script: string, args: string[], { env = {}, cwd, input }: VlsOptions): RunningVls {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...userEnvironment(), ...env },
    ...(cwd !== undefined && { cwd }),
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const output = { stdout: '', stderr: '' };
  let look = () => {};
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
      look();
    });
  }
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, ...output }));
  });
  return {
    child,
    printed: () => ({ ...output }),
    prints: (pattern) =>
      new Promise((resolve, reject) => {
        look = () => {
          if (pattern.test(output.stdout) || pattern.test(output.stderr)) resolve();
        };
        look();
        void ended.then(({ code, stderr }) =>
          reject(new Error(`vls ended with ${code} without ${pattern}:\n${stderr}`)),
        );
      }),
    ended,
  };
}

/** Runs a command to its end. Signals of the terminal do not matter to it, so it runs without the bootstrap. */
export const vls = (args: string[], options: VlsOptions = {}) =>
  startScript(main, args, { ...options, env: { ...withoutBootstrap.env, ...options.env } }).ended;
