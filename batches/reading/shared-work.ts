/**
 * Runs tasks one at a time. When several callers request a task with the same key, it runs once for all of them.
 * @throws the error of the task, to all its callers.
 */
export type SharedWork<Value> = (key: string, work: () => Promise<Value>) => Promise<Value>;

export function createSharedWork<Value>(): SharedWork<Value> {
  const running = new Map<string, Promise<Value>>();
  let last: Promise<unknown> = Promise.resolve();
  return (key, work) => {
    const shared = running.get(key);
    if (shared !== undefined) return shared;
    const result = last.then(work).finally(() => running.delete(key));
    running.set(key, result);
    last = result.catch(() => {});
    return result;
  };
}
