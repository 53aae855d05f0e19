import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);

export interface Forked<First> {
  pid: number;
  /** The first message of the script, sent when it is ready. */
  ready: First;
  ask<Answer>(message: unknown): Promise<Answer>;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/**
 * Forks a script and waits for its first message.
 * @param file the path of the script from the root of the repository.
 * @throws {Error} when the script ends before its first message.
 */
export async function forkScript<First>(
  file: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<Forked<First>> {
  const child = fork(fileURLToPath(new URL(file, root)), args, {
    execArgv: [],
    serialization: 'advanced',
    env: { ...process.env, ...env },
  });
  const ended = once(child, 'exit');
  const early = ended.then(([code, signal]) => {
    throw new Error(`${file} ${args.join(' ')} ended early (${signal ?? `code ${code}`})`);
  });
  early.catch(() => {});
  const next = <Message>(): Promise<Message> =>
    Promise.race([once(child, 'message').then(([message]) => message as Message), early]);
  return {
    pid: child.pid ?? 0,
    ready: await next<First>(),
    ask(message) {
      const answer = next<never>();
      child.send(message as Parameters<ChildProcess['send']>[0]);
      return answer;
    },
    async stop(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await ended;
    },
  };
}
