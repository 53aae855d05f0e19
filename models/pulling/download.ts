import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Digest, digestOf, sizeOf } from '../files.ts';
import type { LayoutFile } from '../registry/layouts.ts';
import { type Hub, mayPass, nameOf, PullError } from './hub.ts';

/** What a file must turn out to be. Without any hash its arrival is all there is to check. */
export interface Expected {
  bytes?: number | undefined;
  sha256?: string | undefined;
  gitBlob?: string | undefined;
}

/** How patient a download is. */
export interface Patience {
  /** Longest silence of a connection, in milliseconds. */
  idleMs: number;
  /** Attempts in a row that bring no new byte. */
  attempts: number;
  /** Before the second attempt, in milliseconds; doubled before each further one. */
  retryDelayMs: number;
}
export const patience: Patience = { idleMs: 30_000, attempts: 5, retryDelayMs: 500 };

export interface DownloadOptions extends Patience {
  hub: Hub;
  signal?: AbortSignal | undefined;
  onProgress(received: number): void;
  onRetry(reason: string): void;
}

/**
 * Fetches a file to `target`, which appears only once its bytes are all there and verified. Until then they are in
 * `<target>.partial`, where the next attempt, or the next process, goes on.
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
    await persist(options, async (signal, alive) => {
      const how = await transfer(file, partial, expected, { ...options, signal, alive });
      resumed ||= how === 'resumed';
    });
    const digest = await digestOf(partial, await sizeOf(partial));
    const fault = faultOf(digest, expected);
    await rm(`${partial}.json`, { force: true });
    if (fault === undefined) {
      await rename(partial, target);
      return digest;
    }
    await rm(partial, { force: true });
    // The first part may have been of other bytes than the rest; a file from one piece leaves no such hope.
    if (resumed && !startedOver) {
      resumed = false;
      options.onRetry(`${fault}; starting over`);
      continue;
    }
    throw new PullError(
      'wrong_hash',
      `${nameOf(file)} from ${options.hub.name} is not the expected file: ${fault}`,
      'Nothing was installed. If a mirror or proxy altered it, use another HF_ENDPOINT; if the entry in the registry is wrong, correct its hash.',
    );
  }
}

/** Why bytes are not what they should be; nothing when they are. */
export function faultOf(digest: Digest, expected: Expected): string | undefined {
  if (expected.bytes !== undefined && digest.bytes !== expected.bytes)
    return `${digest.bytes} bytes instead of ${expected.bytes}`;
  if (expected.sha256 !== undefined && digest.sha256 !== expected.sha256)
    return `SHA-256 ${digest.sha256} instead of ${expected.sha256}`;
  if (expected.sha256 === undefined && expected.gitBlob !== undefined && digest.gitBlob !== expected.gitBlob)
    return `git blob ${digest.gitBlob} instead of ${expected.gitBlob}`;
  return undefined;
}

/**
 * Runs an attempt until it succeeds, as long as its failures may pass and few of them in a row brought no byte.
 * @param attempt gets a signal that fires when nothing has called `alive` for a while.
 */
export async function persist<T>(
  options: Patience & { signal?: AbortSignal | undefined; onRetry(reason: string): void },
  attempt: (signal: AbortSignal, alive: () => void) => Promise<T>,
): Promise<T> {
  const { idleMs, attempts, retryDelayMs } = options;
  for (let failures = 0; ; ) {
    const idle = new AbortController();
    const silence = new DOMException(`no byte in ${idleMs / 1000} s`, 'TimeoutError');
    const timer = setTimeout(() => idle.abort(silence), idleMs);
    let arrived = false;
    const alive = () => {
      arrived = true;
      timer.refresh();
    };
    const signal = options.signal === undefined ? idle.signal : AbortSignal.any([options.signal, idle.signal]);
    try {
      return await attempt(signal, alive);
    } catch (error) {
      failures = arrived ? 1 : failures + 1;
      if (!mayPass(error) || failures >= attempts) throw error;
      options.onRetry(error.message);
    } finally {
      clearTimeout(timer);
      // Closes the connection of an attempt that failed elsewhere, on a full disk for one.
      idle.abort();
    }
    await delay(retryDelayMs * 2 ** (failures - 1), undefined, { ...(options.signal && { signal: options.signal }) });
  }
}

interface Transfer extends DownloadOptions {
  signal: AbortSignal;
  alive(): void;
}

async function transfer(
  file: LayoutFile,
  partial: string,
  expected: Expected,
  { hub, signal, alive, onProgress }: Transfer,
): Promise<'whole' | 'resumed'> {
  const noteFile = `${partial}.json`;
  const etag = await readEtag(noteFile);
  const there = await sizeOf(partial);
  if (there > 0 && there === expected.bytes) return 'resumed';
  const canJoin = etag !== undefined || expected.sha256 !== undefined || expected.gitBlob !== undefined;
  const isTooLong = expected.bytes !== undefined && there > expected.bytes;
  const from = canJoin && !isTooLong ? there : 0;

  const answer = await hub.open(file, { offset: from, etag }, signal);
  if (answer.offset > from) throw new PullError('hub', `${hub.name} skips bytes of ${nameOf(file)}`, 'Use a mirror.');
  const handle = await open(partial, answer.offset > 0 ? 'r+' : 'w');
  try {
    await handle.truncate(answer.offset);
    await writeFile(noteFile, JSON.stringify({ etag: answer.etag }));
    let position = answer.offset;
    onProgress(position);
    for await (const chunk of answer.body) {
      alive();
      for (let written = 0; written < chunk.length; ) {
        const { bytesWritten } = await handle.write(chunk, written, chunk.length - written, position);
        written += bytesWritten;
        position += bytesWritten;
      }
      onProgress(position);
      // A server that does not end would fill the disk.
      if (expected.bytes !== undefined && position > expected.bytes) break;
    }
    await handle.sync();
    if (expected.bytes !== undefined && position < expected.bytes) {
      const message = `The download of ${nameOf(file)} ended after ${position} of ${expected.bytes} bytes`;
      throw new PullError('network', message, 'What has arrived is kept: run the same command again.');
    }
  } finally {
    await handle.close();
  }
  return answer.offset > 0 ? 'resumed' : 'whole';
}

async function readEtag(noteFile: string): Promise<string | undefined> {
  try {
    const note = JSON.parse(await readFile(noteFile, 'utf8')) as { etag?: unknown };
    return typeof note.etag === 'string' ? note.etag : undefined;
  } catch {
    return undefined;
  }
}
