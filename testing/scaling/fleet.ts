import { type Forked, forkScript } from '../processes/forked.ts';

/** The worker processes that an orchestrator would run. A killed worker is replaced. */
export interface Fleet {
  ordered(): number;
  /** Returns the number of workers that have started and take chunks. */
  ready(): number;
  /** Waits until all workers are ready. @throws {Error} when one could not be started. */
  allReady(): Promise<void>;
  /** Orders this number of workers. @throws {Error} when one ordered earlier could not be started. */
  scaleTo(count: number): void;
  kill(count: number): void;
  stop(): Promise<void>;
}

interface Member {
  process: Forked<unknown> | undefined;
  started: Promise<void>;
}

export function createFleet(
  worker: { itemsPerSecond: number; startSeconds: number },
  env: Record<string, string>,
): Fleet {
  let members: Member[] = [];
  let failure: Error | undefined;
  const leaving = new Set<Promise<void>>();

  function start(): Member {
    const words = ['worker', String(worker.itemsPerSecond), String(worker.startSeconds)];
    const member: Member = {
      process: undefined,
      started: forkScript('testing/processes/stub-service.ts', words, env).then(
        (process) => {
          member.process = process;
        },
        (error: Error) => {
          failure = error;
        },
      ),
    };
    return member;
  }

  function end(member: Member, signal: NodeJS.Signals): void {
    const ended = (async () => {
      await member.started;
      await member.process?.stop(signal);
    })();
    leaving.add(ended);
    void ended.finally(() => leaving.delete(ended));
  }

  return {
    ordered: () => members.length,
    ready: () => members.filter(({ process }) => process !== undefined).length,
    async allReady() {
      await Promise.all(members.map(({ started }) => started));
      if (failure !== undefined) throw failure;
    },
    scaleTo(count) {
      if (failure !== undefined) throw failure;
      // The newest workers go first, as in Kubernetes.
      for (const member of members.slice(count)) end(member, 'SIGTERM');
      members = members.slice(0, count);
      while (members.length < count) members.push(start());
    },
    kill(count) {
      const victims = members.filter(({ process }) => process !== undefined).slice(0, count);
      members = members.map((member) => {
        if (!victims.includes(member)) return member;
        end(member, 'SIGKILL');
        return start();
      });
    },
    async stop() {
      for (const member of members.splice(0)) end(member, 'SIGTERM');
      await Promise.all(leaving);
    },
  };
}
