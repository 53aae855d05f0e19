import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { z } from 'zod';
import type { ReadItem } from '../../formats/items.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import { parseExactly } from '../../shared/exact-json.ts';
import { decodeDigests } from './image-digests.ts';

/** The version of the payload format. A process refuses newer versions, which it would misread. */
export const payloadVersion = 1;

export type StoredItem = ReadItem & {
  /** The index of the item in the retried batch. */
  retryOfIndex?: number;
};

/** Returns the fields of an item that its result repeats, without absent ones. */
export function echoed({
  id,
  metadata,
  retryOfIndex,
}: StoredItem): Pick<ItemResult, 'id' | 'metadata' | 'retryOfIndex'> {
  return {
    ...(id !== undefined && { id }),
    ...(metadata !== undefined && { metadata }),
    ...(retryOfIndex !== undefined && { retryOfIndex }),
  };
}

export interface InputChunk {
  /** The index of the first item in the batch. */
  offset: number;
  items: StoredItem[];
  /** True when metadata contains numbers that JavaScript cannot represent exactly; see shared/exact-json.ts. */
  exact?: boolean | undefined;
}

/** The outcomes of a chunk, in the order of its items. */
export interface OutputChunk {
  /**
   * The image digests; see image-digests.ts. Absent in chunks of older releases. The first field, so that it can be
   * read without parsing the results.
   */
  images?: string | undefined;
  results: ItemResult[];
  exact?: boolean | undefined;
}

/** A decoded chunk, with the length of its JSON in bytes. */
export type Read<Chunk> = Chunk & { bytes: number };

export const encodeInput = (chunk: InputChunk): Buffer => encode(chunk);
export const decodeInput = (payload: Buffer): Read<InputChunk> => decode(payload);
export const encodeOutput = ({ images, ...chunk }: OutputChunk): Buffer => encode({ images, ...chunk });
export const decodeOutput = (payload: Buffer): Read<OutputChunk> => decode(payload);

// With level 1, 64 items with URLs shrink to a quarter in 0.1 ms. Higher levels save only a few percent more.
const encode = ({ exact, ...value }: InputChunk | OutputChunk): Buffer =>
  deflateRawSync(JSON.stringify({ v: payloadVersion, ...(exact && { exact }), ...value }), { level: 1 });

/** The start of a payload with numbers that need the exact parser. */
const exactly = `{"v":${payloadVersion},"exact":true,`;

function decode<Value>(payload: Buffer): Value {
  const json = inflateRawSync(payload);
  const text = json.toString('utf8');
  const { v, ...value } = (text.startsWith(exactly) ? parseExactly(text) : JSON.parse(text)) as { v: number };
  checkVersion(v);
  return { ...value, bytes: json.length } as Value;
}

/** @throws {Error} for a version that this release would misread. */
export function checkVersion(v: number): void {
  if (v > payloadVersion) throw new Error(`This release cannot read payload version ${v}; a newer release stored it`);
}

/**
 * Returns the image digests without parsing the outcomes, which would take most of the time. Returns undefined for a
 * payload of an older release.
 */
export function readDigests(payload: Buffer): Buffer | undefined {
  const json = inflateRawSync(payload);
  const start = [exactly, inexactly].map((prefix) => `${prefix}"images":"`).find((prefix) => startsWith(json, prefix));
  if (start === undefined) return undefined;
  return decodeDigests(json.toString('latin1', start.length, json.indexOf('"', start.length)));
}

const inexactly = `{"v":${payloadVersion},`;
const startsWith = (json: Buffer, prefix: string): boolean => json.toString('latin1', 0, prefix.length) === prefix;

/** The data of a job that evaluates a chunk. All else is in the Redis keys of its batch. */
export const jobData = z.object({
  v: z.number(),
  tenant: z.string(),
  batchId: z.string(),
  chunk: z.int().min(0),
  /** The share of the tenant when the job was queued, needed to credit its cost. Absent in jobs of older releases. */
  weight: z.number().optional(),
  /** How often workers returned the chunk unread, because they accepted no more of its tenant. */
  putBack: z.int().min(0).optional(),
});
export type JobData = z.output<typeof jobData>;
