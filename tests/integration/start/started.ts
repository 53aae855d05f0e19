import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { birthOf, untilGone } from '../../../start/process-birth.ts';

const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

/** A process under test and everything it said so far. */
export interface Started {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Resolves to the match when the pattern is found in what it wrote after the last match; rejects if it ends without. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves when it has ended and its output is complete. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; output: string }>;
}

export function start(
  command: string,
  args: string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Started {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, REDIS_URL: '', npm_lifecycle_event: undefined, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  let readUpTo = 0;
  let hasEnded = false;
  const waiting = new Set<() => void>();
  const progress = () => {
    for (const check of waiting) check();
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes) => {
      output += bytes;
      progress();
    });
  }
  const ended: Started['ended'] = new Promise((resolve) => {
    child.on('close', (code, signal) => {
      hasEnded = true;
      resolve({ code, signal, output });
      progress();
    });
  });
  // By its group, so that a failing test leaves nothing either.
  const { pid } = child;
  if (pid === undefined) throw new Error('The process could not be started');
  onTestFinished(() => signalGroup(pid));
  return {
    pid,
    child,
    ended,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const check = () => {
          const match = pattern.exec(output.slice(readUpTo));
          if (match === null && !hasEnded) return;
          waiting.delete(check);
          if (match === null) return reject(new Error(`ended without ${pattern}; it said:\n${output}`));
          readUpTo += match.index + match[0].length;
          resolve(match);
        };
        waiting.add(check);
        check();
      }),
  };
}

/** The supervisor with the fake service, on a data directory of its own. */
export function startSupervisor(dataDir: string, env: NodeJS.ProcessEnv = {}): Started {
  return start(process.execPath, [fixture('start-with.ts'), fixture('fake-service.ts')], {
    env: { DATA_DIR: dataDir, ...env },
  });
}

/** A directory that is removed, with any process noted in it ended, when the test is over. */
export function temporaryDirectory(prefix = 'vls-start-'): string {
  const path = mkdtempSync(join(tmpdir(), prefix));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export const isAlive = (pid: number) => birthOf(pid) !== undefined;
export { untilGone };

function signalGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // It ended as it should.
  }
}
