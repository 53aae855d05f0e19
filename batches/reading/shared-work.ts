/**
 * Runs tasks one at a time, and once for all callers with the same key.
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
