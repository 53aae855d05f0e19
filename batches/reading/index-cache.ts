/**
 * Remembers values of limited size together. When they take too much memory, the values that were used least recently
 * are forgotten.
 */
export interface IndexCache<Value> {
  get(key: string): Value | undefined;
  /** Remembers a value, unless it alone takes too much memory. */
  set(key: string, value: Value): void;
}

/** @param bytesOf returns the memory that a value takes. */
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
      // A map keeps the order in which its keys were set.
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

/** The approximate memory in bytes of a key, an entry of the map and the headers of a value. It bounds small values. */
const overheadBytes = 500;
