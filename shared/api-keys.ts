import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

const keyId = z.string().regex(/^[0-9a-f]{12}$/);
const count = z.int().min(0).max(1_000_000_000);

/** What a key may do beside what everybody may; what is absent is as configured. 0: no limit. */
const keyLimits = z.strictObject({
  requestsPerMinute: count.optional(),
  queuedItems: count.optional(),
  /** Event streams, streamed results and waiting posts at one API process. */
  streams: count.optional(),
});

/** Names end up in Redis keys and logs. */
export const tenantName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected up to 64 of a-z, 0-9, dot, hyphen and underscore');

/** An API key as it is stored: enough to know it again, not enough to use it. */
export const keyRecord = z.strictObject({
  /** Public part of the key: it finds the record and stands in logs. */
  id: keyId,
  /** SHA-256 of the whole key, hexadecimal. A key has 256 random bits, so it needs neither salt nor a slow hash. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  tenant: tenantName,
  role: z.enum(['tenant', 'operator']),
  /** Share of the workers among tenants that compete. */
  weight: z.number().min(0.01).max(100).optional(),
  limits: keyLimits.optional(),
  created: z.iso.datetime().optional(),
  /** From this moment the key is refused. */
  expires: z.iso.datetime().optional(),
  /** The key whose place this one takes, by `vls keys rotate`. */
  replaces: keyId.optional(),
});
export type KeyRecord = z.output<typeof keyRecord>;

/** Whether the key is refused for its age, by the clock of this process. */
export const isExpired = ({ expires }: Pick<KeyRecord, 'expires'>, now = Date.now()): boolean =>
  expires !== undefined && Date.parse(expires) <= now;

const keyForm = /^vls_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;

/** The id inside a key, or nothing when the text does not have the form of one. */
export const idOfKey = (key: string): string | undefined => keyForm.exec(key)?.[1];

const hashOfKey = (key: string): Buffer => createHash('sha256').update(key).digest();

/** A new key and its id and hash; the key itself is nowhere afterwards but where the caller puts it. */
export function createKey(): { key: string; id: string; hash: string } {
  const id = randomBytes(6).toString('hex');
  const key = `vls_${id}_${randomBytes(32).toString('base64url')}`;
  return { key, id, hash: hashOfKey(key).toString('hex') };
}

/** Takes the same time whether and wherever the hashes differ. */
export const isKeyOf = (key: string, { hash }: Pick<KeyRecord, 'hash'>): boolean =>
  timingSafeEqual(hashOfKey(key), Buffer.from(hash, 'hex'));

/**
 * The records of a key file: one JSON object a line.
 * @throws {Error} that names the line, and nothing of what stands in it.
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
    if (records.some(({ id }) => id === parsed.data.id)) throw new Error(`line ${at + 1}: its id is there already`);
    records.push(parsed.data);
  }
  return records;
}

export const formatKeyFile = (records: readonly KeyRecord[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

/** A record as it stands in `API_KEYS`: `id:tenant:role:hash`, and `:expires` if it does. */
export const entryOfKeyRecord = ({ id, tenant, role, hash, expires }: KeyRecord): string =>
  [id, tenant, role, hash, ...(expires === undefined ? [] : [expires])].join(':');

export function keyRecordOfEntry(entry: string): KeyRecord | undefined {
  const [id, tenant, role, hash, ...more] = entry.split(':');
  // A time of day has colons of its own.
  const expires = more.length > 0 ? more.join(':') : undefined;
  return keyRecord.safeParse({ id, tenant, role, hash, expires }).data;
}

/** When each key was last used, by its id: ISO 8601, to the minute. Stored beside the file of keys. */
export const keyUse = z.record(keyId, z.iso.datetime());
export type KeyUse = z.output<typeof keyUse>;

/** Where the last use of the keys of a file is stored. */
export const useFileOf = (keyFile: string): string => `${keyFile}.used`;

/** Empty when the text is something else: it is a remark about keys, not a condition of their use. */
export const parseKeyUse = (text: string): KeyUse => keyUse.safeParse(jsonOrNothing(text)).data ?? {};

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
