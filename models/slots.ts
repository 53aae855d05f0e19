import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync, statfsSync, unlinkSync, writeSync } from 'node:fs';

/**
 * Memory that two processes share, in slots: a file without a name in memory (tmpfs), whose descriptor a child inherits.
 * Through a pipe an image leaves its length in garbage several times: 2.2 ms of collection for each pair.
 */
export interface Slots {
  readonly fd: number;
  /** Bytes of a slot. */
  readonly slotBytes: number;
  /** @returns whether the bytes are there: a container may have less memory for such files than it says. */
  write(slot: number, bytes: Uint8Array): boolean;
  read(slot: number, target: Uint8Array): void;
}

/** The side that has made them also says who has which. */
export interface OwnedSlots extends Slots {
  /** A slot that is free; nothing when none is. */
  take(): number | undefined;
  free(slot: number): void;
  close(): void;
}

const directory = '/dev/shm';

/** @returns nothing where there is no such file system, or no room in it. */
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

/** The slots behind an inherited descriptor. */
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
