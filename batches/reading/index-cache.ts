/** A cache with a limit of total memory, which forgets the least recently used values. */
export interface IndexCache<Value> {
  get(key: string): Value | undefined;
  /** Remembers a value, unless it alone exceeds the limit. */
  set(key: string, value: Value): void;
}

export function createIndexCache<Value>(maxBytes: number, bytesOf: (value: Value) => number): IndexCache<Value> {
  const known = new Map<string, Value>();
  let bytes = 0;

  function forget(key: string): void {
    const value = known.get(key);
    if (value !== undefined && known.delete(key)) bytes -= bytesOf(value) + overheadBytes;
  }

  return {
    get(key) {
      const value = known.get(key);
      // A Map keeps the order in which keys were set, so setting it again marks the value as used last.
      if (value !== undefined && known.delete(key)) known.set(key, value);
      return value;
    },
    set(key, value) {
      forget(key);
      const size = bytesOf(value) + overheadBytes;
      if (size > maxBytes) return;
      known.set(key, value);
      bytes += size;
      for (const oldest of known.keys()) {
        if (bytes <= maxBytes) break;
        forget(oldest);
      }
    },
  };
}

/** Bytes that each value takes in addition (key, entry, headers). They limit the number of small values. */
const overheadBytes = 500;
