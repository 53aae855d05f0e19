import { Worker } from 'node:worker_threads';

/** Threads that do nothing but use a processor, so that timers and answers of all others come late. */
export function startBurners(count: number): { stop(): Promise<void> } {
  const burners = Array.from(
    { length: count },
    () => new Worker('for (;;) Math.sqrt(Math.random());', { eval: true, stdout: false }),
  );
  return {
    async stop() {
      await Promise.all(burners.map((burner) => burner.terminate()));
    },
  };
}
