import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { z } from 'zod';
import type { ReadItem } from '../../formats/items.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import { parseExactly } from '../../shared/exact-json.ts';

/** Version of the payloads in Redis. A reader refuses what is newer than itself instead of misreading it. */
export const payloadVersion = 1;

/** An item as it is stored. */
export type StoredItem = ReadItem & {
  /** In a retry: its index in the batch that is retried. */
  retryOfIndex?: number;
};

/** What of an item stands on its result too; absent parts are left out. */
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

/** A slice of a batch as it waits for its worker. */
export interface InputChunk {
  /** Index in the batch of the first item. */
  offset: number;
  items: StoredItem[];
  /** Metadata of some item has numbers that must stay their text; see shared/exact-json.ts. */
  exact?: boolean | undefined;
}

/** Outcomes of a chunk, in the order of its items. */
export interface OutputChunk {
  results: ItemResult[];
  exact?: boolean | undefined;
}

/** A payload that was read, and its length as JSON. */
export type Read<Chunk> = Chunk & { bytes: number };

export const encodeInput = (chunk: InputChunk): Buffer => encode(chunk);
export const decodeInput = (payload: Buffer): Read<InputChunk> => decode(payload);
export const encodeOutput = (chunk: OutputChunk): Buffer => encode(chunk);
export const decodeOutput = (payload: Buffer): Read<OutputChunk> => decode(payload);

// Level 1: 64 items with URLs shrink to a quarter in a tenth of a millisecond; higher levels gain a few percent.
const encode = ({ exact, ...value }: { exact?: boolean | undefined }): Buffer =>
  deflateRawSync(JSON.stringify({ v: payloadVersion, ...(exact && { exact }), ...value }), { level: 1 });

/** How a payload begins whose numbers stay their text. */
const exactly = `{"v":${payloadVersion},"exact":true,`;

function decode<Value>(payload: Buffer): Value {
  const json = inflateRawSync(payload);
  const text = json.toString('utf8');
  const { v, ...value } = (text.startsWith(exactly) ? parseExactly(text) : JSON.parse(text)) as { v: number };
  if (v > payloadVersion) throw new Error(`A payload of version ${v} needs a newer release than this one`);
  return { ...value, bytes: json.length } as Value;
}

/** What a chunk's job carries; everything else is with the batch. */
export const jobData = z.object({
  v: z.number(),
  tenant: z.string(),
  batchId: z.string(),
  chunk: z.int().min(0),
  /** Its tenant's share of the workers: what its turn was charged with. Absent in jobs of older releases. */
  weight: z.number().optional(),
  /** How often a worker had no place for its tenant, and put it back unread. */
  putBack: z.int().min(0).optional(),
});
export type JobData = z.output<typeof jobData>;
