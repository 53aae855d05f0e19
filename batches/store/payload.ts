import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { z } from 'zod';
import type { ReadItem } from '../../formats/items.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import { parseExactly } from '../../shared/exact-json.ts';
import { decodeDigests } from './image-digests.ts';

/**
 * The version of the payload format. A process refuses a payload with a newer version, because it would misread the
 * payload.
 */
export const payloadVersion = 1;

/** An item as it is stored in a payload. */
export type StoredItem = ReadItem & {
  /** In a retry: the index of the item in the batch that is retried. */
  retryOfIndex?: number;
};

/** Returns the fields of an item that its result repeats. Fields that the item does not have are left out. */
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

/** The items of a chunk. */
export interface InputChunk {
  /** The index of the first item of the chunk within the batch. */
  offset: number;
  items: StoredItem[];
  /**
   * True when the metadata contains numbers whose digits must be kept, because JavaScript cannot represent the numbers
   * exactly; see shared/exact-json.ts.
   */
  exact?: boolean | undefined;
}

/** The outcomes of a chunk, in the order of its items. */
export interface OutputChunk {
  /**
   * The digests of the images; see image-digests.ts. Absent in chunks of older releases. It must be the first of these
   * fields, so that it can be read without parsing the results.
   */
  images?: string | undefined;
  results: ItemResult[];
  exact?: boolean | undefined;
}

/** A decoded chunk, together with the length of its JSON in bytes. */
export type Read<Chunk> = Chunk & { bytes: number };

export const encodeInput = (chunk: InputChunk): Buffer => encode(chunk);
export const decodeInput = (payload: Buffer): Read<InputChunk> => decode(payload);
export const encodeOutput = ({ images, ...chunk }: OutputChunk): Buffer => encode({ images, ...chunk });
export const decodeOutput = (payload: Buffer): Read<OutputChunk> => decode(payload);

// With compression level 1, 64 items with URLs shrink to a quarter of their size in 0.1 ms. Higher levels would save
// only a few percent more.
const encode = ({ exact, ...value }: InputChunk | OutputChunk): Buffer =>
  deflateRawSync(JSON.stringify({ v: payloadVersion, ...(exact && { exact }), ...value }), { level: 1 });

/**
 * The start of the JSON of a payload with numbers that JavaScript cannot represent exactly. Such a payload needs a
 * special parser.
 */
const exactly = `{"v":${payloadVersion},"exact":true,`;

function decode<Value>(payload: Buffer): Value {
  const json = inflateRawSync(payload);
  const text = json.toString('utf8');
  const { v, ...value } = (text.startsWith(exactly) ? parseExactly(text) : JSON.parse(text)) as { v: number };
  if (v > payloadVersion) throw new Error(`This release cannot read payload version ${v}; a newer release stored it`);
  return { ...value, bytes: json.length } as Value;
}

/**
 * Returns the digests of the images in a payload of outcomes. It does not parse the outcomes, because parsing would
 * take most of the time. Returns undefined for a payload of an older release.
 */
export function readDigests(payload: Buffer): Buffer | undefined {
  const json = inflateRawSync(payload);
  const start = [exactly, inexactly].map((prefix) => `${prefix}"images":"`).find((prefix) => startsWith(json, prefix));
  if (start === undefined) return undefined;
  return decodeDigests(json.toString('latin1', start.length, json.indexOf('"', start.length)));
}

const inexactly = `{"v":${payloadVersion},`;
const startsWith = (json: Buffer, prefix: string): boolean => json.toString('latin1', 0, prefix.length) === prefix;

/** The data of a job that evaluates a chunk. All other data of the chunk are in the Redis keys of its batch. */
export const jobData = z.object({
  v: z.number(),
  tenant: z.string(),
  batchId: z.string(),
  chunk: z.int().min(0),
  /**
   * The weight of the tenant when the job got its turn (its position in the fair order of all tenants). The same weight
   * is used when the turn is given back to the tenant. Absent in jobs of older releases.
   */
  weight: z.number().optional(),
  /**
   * The number of times that workers have returned the chunk to the queue without reading it, because they accepted no
   * more chunks of its tenant at that time.
   */
  putBack: z.int().min(0).optional(),
});
export type JobData = z.output<typeof jobData>;
