import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync, statfsSync, unlinkSync, writeSync } from 'node:fs';

/**
 * Memory that two processes share, divided into slots: an unnamed file in memory (tmpfs) whose descriptor a child
 * process inherits. Images sent through a pipe would leave several copies for garbage collection, which took 2.2 ms for
 * each pair.
 */
export interface Slots {
  readonly fd: number;
  /** Size of a slot in bytes. */
  readonly slotBytes: number;
  /**
   * Writes bytes into a slot. @returns false when they could not be written: a container may have less memory for such
   * files than it reports.
   */
  write(slot: number, bytes: Uint8Array): boolean;
  read(slot: number, target: Uint8Array): void;
}

/** The slots on the side of the process that created them, which also assigns them. */
export interface OwnedSlots extends Slots {
  /** Takes a free slot; undefined when there is none. */
  take(): number | undefined;
  free(slot: number): void;
  close(): void;
}

const directory = '/dev/shm';

/** Creates slots. @returns undefined when the machine has no such file system, or no space in it. */
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

/** Opens the slots behind an inherited descriptor. */
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
    if (bytes !== target.length) throw new Error(`A slot holds ${bytes} bytes instead of ${target.length}`);
  },
});
