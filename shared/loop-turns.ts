import { setImmediate } from 'node:timers/promises';

/** Runs a step in a turn of the event loop of its own. @throws the error of the step. */
export type LoopTurns = <Value>(step: () => Value) => Promise<Value>;

/** Creates a queue of steps that take tens of ms. Together, they would block the event loop. */
export function createLoopTurns(): LoopTurns {
  let last: Promise<unknown> = Promise.resolve();
  return (step) => {
    const result = last.then(async () => {
      await setImmediate();
      return step();
    });
    last = result.catch(() => {});
    return result;
  };
}
