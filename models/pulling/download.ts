import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Digest, digestOf, sizeOf } from '../files.ts';
import type { LayoutFile } from '../registry/layouts.ts';
import { contentFaultOf } from './content.ts';
import { type Download, type Hub, nameOf } from './hub.ts';
import { type Patience, persist, type Retry, type Watch } from './persist.ts';
import { PullError } from './pull-error.ts';

/** The facts that a downloaded file must match. If no hash is known, only the size is checked. */
export interface Expected {
  bytes?: number | undefined;
  sha256?: string | undefined;
  gitBlob?: string | undefined;
}

export interface DownloadOptions extends Patience {
  hub: Hub;
  signal?: AbortSignal | undefined;
  /** @param total the size of the file in bytes, if the hub or the response states it. */
  onProgress(received: number, total: number | undefined): void;
  onRetry(retry: Retry): void;
}

/** A download fails when it has received more than this many times the size of the file. */
const mostSendings = 4;

/**
 * Downloads a file to `target`, where it exists only when complete and verified. Until then its bytes are in
 * `<target>.partial`, from which a later attempt or process continues.
 * @throws {PullError}
 */
export async function download(
  file: LayoutFile,
  target: string,
  expected: Expected,
  options: DownloadOptions,
): Promise<Digest> {
  await mkdir(dirname(target), { recursive: true });
  const partial = `${target}.partial`;
  let resumed = false;
  for (let startedOver = false; ; startedOver = true) {
    const course: Course = { furthest: await sizeOf(partial), received: 0 };
    await persist(options, async (signal, watch) => {
      const how = await transfer(file, partial, expected, course, { ...options, signal, watch });
      resumed ||= how === 'resumed';
    }).catch(async (error: unknown) => {
      throw (await sizeOf(partial)) > 0 ? withStoredBytes(error) : error;
    });
    const digest = await digestOf(partial, await sizeOf(partial));
    const wrongBytes = faultOf(digest, expected);
    const wrongContent = wrongBytes === undefined ? await contentFaultOf(partial, file.local) : undefined;
    await rm(`${partial}.json`, { force: true });
    if (wrongBytes === undefined && wrongContent === undefined) {
      await rename(partial, target);
      return digest;
    }
    await rm(partial, { force: true });
    if (wrongContent !== undefined) throw notTheFile(file, options.hub, wrongContent);
    // A resumed download may mix versions of the file, so it starts again once. A wrong file from a single response is
    // final.
    if (resumed && !startedOver) {
      resumed = false;
      options.onRetry({ reason: `${nameOf(file)}: ${wrongBytes}; starting over`, waitMs: 0 });
      continue;
    }
    throw notExpected(file, options.hub, wrongBytes ?? '');
  }
}

/** Adds to the advice of a transient error that the next pull continues from the stored bytes. */
function withStoredBytes(error: unknown): unknown {
  if (!(error instanceof PullError) || !['network', 'timeout', 'hub'].includes(error.code)) return error;
  const { code, message, advice, waitMs, isFinal } = error;
  const stored = 'The bytes received are stored: run the same command again to continue.';
  return new PullError(code, message, `${advice} ${stored}`, { cause: error, waitMs, isFinal });
}

const notExpected = (file: LayoutFile, hub: Hub, fault: string) =>
  new PullError(
    'wrong_hash',
    `${nameOf(file)} from ${hub.name} is not the expected file: ${fault}`,
    'Nothing was installed. If a mirror or proxy altered the file, use another HF_ENDPOINT. If the registry entry is wrong, correct its hash or size.',
  );

const notTheFile = (file: LayoutFile, hub: Hub, fault: string) =>
  new PullError(
    'unusable',
    `${nameOf(file)} from ${hub.name} cannot be used: ${fault}`,
    'Nothing was installed. A login page, a proxy or another site may have answered. Open the address in a browser.',
  );

/** Returns a description of the first difference; undefined when the facts agree. */
export function faultOf(digest: Digest, expected: Expected): string | undefined {
  if (expected.bytes !== undefined && digest.bytes !== expected.bytes)
    return `wrong size: expected ${expected.bytes} bytes, got ${digest.bytes}`;
  if (expected.sha256 !== undefined && digest.sha256 !== expected.sha256)
    return `checksum mismatch (SHA-256): expected ${expected.sha256}, got ${digest.sha256}`;
  if (expected.sha256 === undefined && expected.gitBlob !== undefined && digest.gitBlob !== expected.gitBlob)
    return `checksum mismatch (git blob SHA-1): expected ${expected.gitBlob}, got ${digest.gitBlob}`;
  return undefined;
}

/** The progress of a download over all its attempts. */
interface Course {
  /** The largest number of bytes that has ever been on disk. Only further bytes count as progress. */
  furthest: number;
  received: number;
}

interface Transfer extends DownloadOptions {
  signal: AbortSignal;
  watch: Watch;
}

async function transfer(
  file: LayoutFile,
  partial: string,
  expected: Expected,
  course: Course,
  { hub, signal, watch, onProgress }: Transfer,
): Promise<'whole' | 'resumed'> {
  const noteFile = `${partial}.json`;
  const there = await sizeOf(partial);
  if (there > 0 && there === expected.bytes) return 'resumed';
  const isTooLong = expected.bytes !== undefined && there > expected.bytes;
  // With a known hash, the validator (ETag) is not sent: servers of a store may differ in it for the same file.
  const hasHash = expected.sha256 !== undefined || expected.gitBlob !== undefined;
  const etag = hasHash ? undefined : await readEtag(noteFile);
  const from = (hasHash || etag !== undefined) && !isTooLong ? there : 0;

  const answer = await hub.open(file, { offset: from, etag }, signal);
  watch.alive();
  requireSize(answer, file, expected, hub);
  if (answer.offset > from)
    throw new PullError('hub', `${hub.name} did not send all bytes of ${nameOf(file)}`, 'Set HF_ENDPOINT to a mirror.');
  // A server without ranges sends the file from its start. The bytes on disk stay until the same bytes replace them.
  const stays = from > 0 && answer.offset === 0 && hasHash;
  const handle = await open(partial, answer.offset > 0 || stays ? 'r+' : 'w');
  try {
    if (!stays) await handle.truncate(answer.offset);
    await writeFile(noteFile, JSON.stringify({ etag: answer.etag }));
    let position = answer.offset;
    const total = expected.bytes ?? answer.total;
    onProgress(position, total);
    for await (const chunk of answer.body) {
      watch.alive();
      for (let written = 0; written < chunk.length; ) {
        const { bytesWritten } = await handle.write(chunk, written, chunk.length - written, position);
        written += bytesWritten;
        position += bytesWritten;
      }
      course.received += chunk.length;
      if (position > course.furthest) {
        course.furthest = position;
        watch.progressed();
      }
      requireEnd(course, total, file, hub);
      onProgress(position, total);
      // A response that never ends would fill the disk.
      if (expected.bytes !== undefined && position > expected.bytes) break;
    }
    if (expected.bytes === undefined || position >= expected.bytes) await handle.truncate(position);
    await handle.sync();
    if (expected.bytes !== undefined && position < expected.bytes) {
      const message = `The download of ${nameOf(file)} ended after ${position} of ${expected.bytes} bytes`;
      // The response was complete: it began at the start of the file, stated no length and ended normally.
      if (answer.offset === 0 && answer.total === undefined) throw notExpected(file, hub, `${message}`);
      throw new PullError('network', message, 'The connection was interrupted.');
    }
  } finally {
    await handle.close();
  }
  return answer.offset > 0 ? 'resumed' : 'whole';
}

/** Compares the stated size with the expected one before the body is read. */
function requireSize({ total }: Download, file: LayoutFile, { bytes }: Expected, hub: Hub): void {
  if (bytes !== undefined && total !== undefined && total !== bytes) {
    throw notExpected(file, hub, `wrong size: expected ${bytes} bytes, got ${total}`);
  }
}

function requireEnd({ received }: Course, total: number | undefined, file: LayoutFile, hub: Hub): void {
  if (total === undefined || received <= mostSendings * total) return;
  throw new PullError(
    'network',
    `${hub.name} sent ${nameOf(file)} ${mostSendings} times, and each time incompletely`,
    'Probably a proxy interrupts long responses and does not support range requests. Use another network or another HF_ENDPOINT.',
    { isFinal: true },
  );
}

async function readEtag(noteFile: string): Promise<string | undefined> {
  try {
    const note = JSON.parse(await readFile(noteFile, 'utf8')) as { etag?: unknown };
    return typeof note.etag === 'string' ? note.etag : undefined;
  } catch {
    return undefined;
  }
}
