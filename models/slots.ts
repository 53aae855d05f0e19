import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync, statfsSync, unlinkSync, writeSync } from 'node:fs';

/**
 * Memory that two processes share, divided into slots of equal size. It is an unnamed file in memory (tmpfs), and the
 * child process inherits the descriptor of the file. Images that are sent through a pipe leave several copies to the
 * garbage collector instead, which took 2.2 ms per image-text pair.
 */
export interface Slots {
  readonly fd: number;
  /** The size of a slot in bytes. */
  readonly slotBytes: number;
  /**
   * Writes bytes into a slot. @returns false when the write failed, which happens in containers that have less memory
   * for such files than they report.
   */
  write(slot: number, bytes: Uint8Array): boolean;
  read(slot: number, target: Uint8Array): void;
}

/** The slots of shared memory, for the process that created them. Only this process has the list of free slots. */
export interface OwnedSlots extends Slots {
  /** Takes a free slot. @returns its number; undefined when no slot is free. */
  take(): number | undefined;
  free(slot: number): void;
  close(): void;
}

const directory = '/dev/shm';

/** Creates slots. @returns undefined when the machine has no `/dev/shm`, or not enough space in it. */
export function createSlots(count: number, slotBytes: number): OwnedSlots | undefined {
  let fd: number;
  try {
    const { bavail, bsize } = statfsSync(directory);
    if (bavail * bsize < count * slotBytes) return undefined;
    const path = `${directory}/vls-${process.pid}-${randomBytes(6).toString('hex')}`;
    fd = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
  } catch {
    return undefined;
  }
  const free = Array.from({ length: count }, (_, slot) => slot);
  return {
    ...slotsOf(fd, slotBytes),
    take: () => free.pop(),
    free: (slot) => void free.push(slot),
    close: () => closeSync(fd),
  };
}

/** Returns the slots in the file of an inherited descriptor. */
export const slotsOf = (fd: number, slotBytes: number): Slots => ({
  fd,
  slotBytes,
  write(slot, bytes) {
    try {
      return writeSync(fd, bytes, 0, bytes.length, slot * slotBytes) === bytes.length;
    } catch {
      return false;
    }
  },
  read(slot, target) {
    const bytes = readSync(fd, target, 0, target.length, slot * slotBytes);
    if (bytes !== target.length) throw new Error(`Expected ${target.length} bytes in a slot of the file, got ${bytes}`);
  },
});
