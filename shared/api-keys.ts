import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

const keyId = z.string().regex(/^[0-9a-f]{12}$/);
const count = z.int().min(0).max(1_000_000_000);

/** Limits of a key. An absent limit has its default value; 0 means no limit. */
const keyLimits = z.strictObject({
  requestsPerMinute: count.optional(),
  queuedItems: count.optional(),
  /**
   * The maximum number of open streams per API process: event streams, streamed results, and posts that wait for the
   * end of their batch.
   */
  streams: count.optional(),
});

/** A tenant's name, which appears in Redis keys and logs. */
export const tenantName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected up to 64 of a-z, 0-9, dot, hyphen and underscore');

/** The stored record of an API key. It verifies the key, which cannot be derived from it. */
export const keyRecord = z.strictObject({
  /** The public part of the key, which appears in logs. */
  id: keyId,
  /**
   * The hexadecimal SHA-256 of the key. Keys have 256 random bits, so the hash needs neither a salt nor a slow
   * function.
   */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  tenant: tenantName,
  role: z.enum(['tenant', 'operator']),
  /** The tenant's weight when tenants compete for workers: twice the weight gets twice the share. */
  weight: z.number().min(0.01).max(100).optional(),
  limits: keyLimits.optional(),
  created: z.iso.datetime().optional(),
  expires: z.iso.datetime().optional(),
  /** The id of the key that this one replaces, after `vls keys rotate`. */
  replaces: keyId.optional(),
});
export type KeyRecord = z.output<typeof keyRecord>;

/** Returns true if the key has expired, by the clock of this process. */
export const isExpired = ({ expires }: Pick<KeyRecord, 'expires'>, now = Date.now()): boolean =>
  expires !== undefined && Date.parse(expires) <= now;

const keyForm = /^vls_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;

/** Returns the id in a key, or undefined if the text does not have the form of a key. */
export const idOfKey = (key: string): string | undefined => keyForm.exec(key)?.[1];

const hashOfKey = (key: string): Buffer => createHash('sha256').update(key).digest();

export function createKey(): { key: string; id: string; hash: string } {
  const id = randomBytes(6).toString('hex');
  const key = `vls_${id}_${randomBytes(32).toString('base64url')}`;
  return { key, id, hash: hashOfKey(key).toString('hex') };
}

/** Returns true if the record belongs to this key, in constant time. */
export const isKeyOf = (key: string, { hash }: Pick<KeyRecord, 'hash'>): boolean =>
  timingSafeEqual(hashOfKey(key), Buffer.from(hash, 'hex'));

/**
 * Parses a key file: one JSON object per line.
 * @throws {Error} for an invalid line. The message has the line number but not the content.
 */
export function parseKeyFile(text: string): KeyRecord[] {
  const records: KeyRecord[] = [];
  for (const [at, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const parsed = keyRecord.safeParse(jsonOrNothing(line));
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new Error(`line ${at + 1}: ${issue?.path.join('.') || 'record'}: ${issue?.message ?? 'not a key'}`);
    }
    if (records.some(({ id }) => id === parsed.data.id))
      throw new Error(`line ${at + 1}: its id is already in an earlier line`);
    records.push(parsed.data);
  }
  return records;
}

export const formatKeyFile = (records: readonly KeyRecord[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

/** Formats a record for `API_KEYS`: `id:tenant:role:hash`, and `:expires` if the key expires. */
export const entryOfKeyRecord = ({ id, tenant, role, hash, expires }: KeyRecord): string =>
  [id, tenant, role, hash, ...(expires === undefined ? [] : [expires])].join(':');

export function keyRecordOfEntry(entry: string): KeyRecord | undefined {
  const [id, tenant, role, hash, ...more] = entry.split(':');
  // The expiry itself contains colons.
  const expires = more.length > 0 ? more.join(':') : undefined;
  return keyRecord.safeParse({ id, tenant, role, hash, expires }).data;
}

/** The last use of each key: key id to ISO 8601 time, to the minute. Stored next to the key file. */
export const keyUse = z.record(keyId, z.iso.datetime());
export type KeyUse = z.output<typeof keyUse>;

export const useFileOf = (keyFile: string): string => `${keyFile}.used`;

/** Parses the file of last uses. Invalid text counts as empty, because keys work without the file. */
export const parseKeyUse = (text: string): KeyUse => keyUse.safeParse(jsonOrNothing(text)).data ?? {};

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
