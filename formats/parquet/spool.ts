import { randomUUID } from 'node:crypto';
import { type FileHandle, open, statfs, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceError } from '../../shared/errors.ts';
import { createFairBytes, type FairBytes } from '../../shared/fair-bytes.ts';

const MiB = 1024 * 1024;

/** The maximum size in bytes of an upload that is stored on disk before it is read, as for `/v1/files`. */
export const maxSpoolBytes = 512 * MiB;
const spareBytes = 64 * MiB;
/** The number of written bytes between checks of the free disk space. */
const lookBytes = 16 * MiB;

export const spoolBudget: FairBytes = createFairBytes({
  ...{ bytes: 1024 * MiB, guaranteedBytes: maxSpoolBytes, hardBytes: 1536 * MiB, unitBytes: 8 * MiB },
  refusal: () => 'The disk space for temporary upload files is full because of other uploads; retry shortly',
});

/** A temporary file without a directory entry. The system frees its space on close, even if the process is killed. */
export interface Spool {
  handle: FileHandle;
  bytes(): number;
  /** Appends bytes. @throws {ServiceError} `request.too_large`; `overloaded` when the disk is full. */
  write(part: Buffer): Promise<void>;
  close(): Promise<void>;
}

export async function openSpool(directory = tmpdir(), maxBytes = maxSpoolBytes): Promise<Spool> {
  const path = join(directory, `vls-${randomUUID()}.spool`);
  const handle = await open(path, 'wx+', 0o600);
  await unlink(path);
  let bytes = 0;
  let looked = 0;
  async function look(): Promise<void> {
    const { bavail, bsize } = await statfs(directory);
    if (bavail * bsize < spareBytes + lookBytes) throw full();
    looked = bytes + lookBytes;
  }
  return {
    handle,
    bytes: () => bytes,
    async write(part) {
      if (bytes + part.length > maxBytes) {
        const message = `has more than ${maxBytes} bytes, the maximum for a format that is read as a whole; divide the file`;
        throw new ServiceError('request.too_large', `The file ${message}`, { faults: [{ path: 'file', message }] });
      }
      if (bytes >= looked) await look();
      try {
        for (let at = 0; at < part.length; ) {
          at += (await handle.write(part, at, part.length - at, bytes + at)).bytesWritten;
        }
      } catch (error) {
        throw (error as NodeJS.ErrnoException).code === 'ENOSPC' ? full(error) : error;
      }
      bytes += part.length;
    },
    close: () => handle.close(),
  };
}

const full = (cause?: unknown): ServiceError =>
  new ServiceError('overloaded', 'The disk for temporary files is full', { cause, retryAfter: 30 });
