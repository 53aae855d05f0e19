/** A cache with a limit of total memory. It forgets the least recently used values first. */
export interface IndexCache<Value> {
  get(key: string): Value | undefined;
  /** Remembers a value, unless it alone exceeds the limit. */
  set(key: string, value: Value): void;
}

interface Entry<Value> {
  value: Value;
  expiry: NodeJS.Timeout | undefined;
}

/** @param maxAgeMs the time in ms after which a value is forgotten. Default: unlimited. */
export function createIndexCache<Value>(
  maxBytes: number,
  bytesOf: (value: Value) => number,
  maxAgeMs?: number,
): IndexCache<Value> {
  const known = new Map<string, Entry<Value>>();
  let bytes = 0;

  function forget(key: string): void {
    const entry = known.get(key);
    if (entry === undefined || !known.delete(key)) return;
    bytes -= bytesOf(entry.value) + overheadBytes;
    // The timer would keep the value in memory.
    clearTimeout(entry.expiry);
  }

  return {
    get(key) {
      const entry = known.get(key);
      // A Map keeps the order in which keys were set, so setting it again marks the value as used last.
      if (entry !== undefined && known.delete(key)) known.set(key, entry);
      return entry?.value;
    },
    set(key, value) {
      forget(key);
      const size = bytesOf(value) + overheadBytes;
      if (size > maxBytes) return;
      const expiry = maxAgeMs === undefined ? undefined : setTimeout(() => forget(key), maxAgeMs).unref();
      known.set(key, { value, expiry });
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
