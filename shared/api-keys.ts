import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

const keyId = z.string().regex(/^[0-9a-f]{12}$/);
const count = z.int().min(0).max(1_000_000_000);

/** The limits of a key. A limit that is absent has its default value; 0 means no limit. */
const keyLimits = z.strictObject({
  requestsPerMinute: count.optional(),
  queuedItems: count.optional(),
  /**
   * The maximum number of streams that may be open at one API process at a time. Event streams, streamed results, and
   * posts that wait for the end of their batch are streams.
   */
  streams: count.optional(),
});

/** The name of a tenant, which appears in Redis keys and logs. */
export const tenantName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected up to 64 of a-z, 0-9, dot, hyphen and underscore');

/** The stored record of an API key. A key can be verified with the record, but cannot be derived from it. */
export const keyRecord = z.strictObject({
  /** The public part of the key. It identifies the record and appears in logs. */
  id: keyId,
  /**
   * The hexadecimal SHA-256 of the key. Keys have 256 random bits, so the hash needs neither a salt nor a slow
   * function.
   */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  tenant: tenantName,
  role: z.enum(['tenant', 'operator']),
  /** The weight of the tenant when tenants compete for workers. A tenant with twice the weight gets twice the share. */
  weight: z.number().min(0.01).max(100).optional(),
  limits: keyLimits.optional(),
  created: z.iso.datetime().optional(),
  /** The time from which the key is refused. */
  expires: z.iso.datetime().optional(),
  /** The id of the older key that this key replaces, after `vls keys rotate`. */
  replaces: keyId.optional(),
});
export type KeyRecord = z.output<typeof keyRecord>;

/** Returns true if the key has expired, according to the clock of this process. */
export const isExpired = ({ expires }: Pick<KeyRecord, 'expires'>, now = Date.now()): boolean =>
  expires !== undefined && Date.parse(expires) <= now;

const keyForm = /^vls_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;

/** Returns the id that a key contains, or undefined if the text does not have the form of a key. */
export const idOfKey = (key: string): string | undefined => keyForm.exec(key)?.[1];

const hashOfKey = (key: string): Buffer => createHash('sha256').update(key).digest();

/** Creates a key with its id and hash. The key itself is not stored. */
export function createKey(): { key: string; id: string; hash: string } {
  const id = randomBytes(6).toString('hex');
  const key = `vls_${id}_${randomBytes(32).toString('base64url')}`;
  return { key, id, hash: hashOfKey(key).toString('hex') };
}

/** Returns true if the record belongs to this key. The comparison of the hashes takes constant time. */
export const isKeyOf = (key: string, { hash }: Pick<KeyRecord, 'hash'>): boolean =>
  timingSafeEqual(hashOfKey(key), Buffer.from(hash, 'hex'));

/**
 * Parses a key file: one JSON object per line.
 * @throws {Error} for an invalid line. The message has the number of the line but not its content.
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

/** Formats a record for `API_KEYS`: `id:tenant:role:hash`, followed by `:expires` if the key expires. */
export const entryOfKeyRecord = ({ id, tenant, role, hash, expires }: KeyRecord): string =>
  [id, tenant, role, hash, ...(expires === undefined ? [] : [expires])].join(':');

export function keyRecordOfEntry(entry: string): KeyRecord | undefined {
  const [id, tenant, role, hash, ...more] = entry.split(':');
  // The expiry itself contains colons, so the remaining parts are joined again.
  const expires = more.length > 0 ? more.join(':') : undefined;
  return keyRecord.safeParse({ id, tenant, role, hash, expires }).data;
}

/**
 * The time at which each key was last used: key id to ISO 8601, rounded to the minute. It is stored next to the key
 * file.
 */
export const keyUse = z.record(keyId, z.iso.datetime());
export type KeyUse = z.output<typeof keyUse>;

/** Returns the path of the file that stores when the keys of this key file were last used. */
export const useFileOf = (keyFile: string): string => `${keyFile}.used`;

/**
 * Parses the file that stores when keys were last used. Invalid text counts as an empty file, because keys work without
 * the file.
 */
export const parseKeyUse = (text: string): KeyUse => keyUse.safeParse(jsonOrNothing(text)).data ?? {};

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
