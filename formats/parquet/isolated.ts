import { hasUnlikeNumber, parseExactly } from '../../shared/exact-json.ts';
import type { Header, ReadOptions } from '../format.ts';
import type { ReadItem } from '../items.ts';
import { type ChildIo, type ChildLimits, framesOfChild } from './child-process.ts';
import { frameTypes } from './frames.ts';
import type { Spool } from './spool.ts';

/**
 * Reads the items of a file in a child process. Yields empty groups while it waits.
 * @throws {ServiceError} `request.invalid`, `request.too_large`; or the reason of `options.signal` when it aborts.
 */
export async function* itemsOfIsolated(
  spool: Spool,
  { columns, strictness, isCopied, signal, pending }: ReadOptions,
  onHeader: (header: Header) => void,
  limits: Partial<ChildLimits> = {},
): AsyncGenerator<ReadItem[]> {
  const task = { kind: 'items', columns, strictness, isCopied } as const;
  for await (const frame of framesOfChild(spool, task, { signal, pending }, limits)) {
    if (frame === undefined) {
      yield [];
      continue;
    }
    const text = frame.body.toString();
    const value: unknown = hasUnlikeNumber(text) ? parseExactly(text) : JSON.parse(text);
    if (frame.type === frameTypes.header) onHeader(value as Header);
    else yield value as ReadItem[];
  }
}

/**
 * Yields the bytes of a Parquet file with some rows of another, copied in a child process.
 * @param kept one bit a row, the lowest bit of a byte first. Rows beyond it are not kept.
 * @param metadata entries that are added, or replace entries of the same name.
 * @throws {ServiceError} `request.invalid`, `request.too_large`
 */
export async function* subsetOfIsolated(
  spool: Spool,
  kept: Uint8Array,
  metadata: Readonly<Record<string, string>>,
  { signal }: Pick<ChildIo, 'signal'>,
): AsyncGenerator<Buffer> {
  for await (const frame of framesOfChild(spool, { kind: 'subset', metadata }, { signal, input: kept })) {
    if (frame !== undefined) yield frame.body;
  }
}
