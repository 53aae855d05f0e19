import { readFile, stat } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { idOfKey, isExpired, isKeyOf, type KeyRecord, parseKeyFile } from '../../shared/api-keys.ts';
import { createAudit } from '../../shared/audit.ts';
import { type Config, ConfigError } from '../../shared/config.ts';
import type { Logger } from '../../shared/log.ts';
import { createKeyUses } from './key-use.ts';

/** The API keys there are. */
export interface KeyRing {
  /** Whether requests need a key: from the start, so that removing the last key opens nothing. */
  readonly required: boolean;
  /** The record of a key, or nothing when it is wrong or has expired. Stores that it was used. */
  find(key: string): Promise<KeyRecord | undefined>;
  /** The same for a browser that has signed in with the key of this id. */
  byId(id: string): Promise<KeyRecord | undefined>;
}

/** The file is looked at when a known key is asked for, at most this often, in milliseconds; for an unknown one always. */
const lookMs = 500;

/** Compared with when there is no record, so that an unknown id takes as long as a wrong secret. */
const nobody = { hash: '0'.repeat(64) };

/**
 * Reads the keys of the environment and of the file.
 * @throws {ConfigError} when the file is there and cannot be read. One that is absent has no keys yet.
 */
export async function openKeyRing(config: Pick<Config, 'apiKeys' | 'apiKeysFile'>, log: Logger): Promise<KeyRing> {
  const { apiKeys, apiKeysFile: path } = config;
  const fixed = new Map(apiKeys.map((record) => [record.id, record]));
  const audit = createAudit(log);
  let records: ReadonlyMap<string, KeyRecord> = fixed;
  let seen = '';
  let lookedAt = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;

  async function read(file: string): Promise<void> {
    const version = await stat(file, { bigint: true }).then(
      ({ ino, size, mtimeNs, ctimeNs }) => [ino, size, mtimeNs, ctimeNs].join(),
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return 'absent';
        throw error;
      },
    );
    if (version === seen) return;
    const isFirst = seen === '';
    // Before it is parsed: one that is damaged is told once, and read again when it has changed.
    seen = version;
    const inFile = version === 'absent' ? [] : parseKeyFile(await readFile(file, 'utf8'));
    const former = records;
    records = new Map([...inFile.map((record) => [record.id, record] as const), ...fixed]);
    if (!isFirst) auditChanges(former, records);
    if (records.size === 0) log.warn({ file }, 'there is no API key: `vls keys add` makes one');
    else if (!isFirst) log.info({ file, keys: records.size }, 'API keys read again');
  }

  /** Every API logs what it sees: the file has no other witness. */
  function auditChanges(former: ReadonlyMap<string, KeyRecord>, present: ReadonlyMap<string, KeyRecord>): void {
    const by = 'key_file' as const;
    for (const record of present.values()) {
      const { id, tenant, role, expires, replaces } = record;
      const subject = { by, keyId: id, tenant, role, expires, replaces };
      const before = former.get(id);
      if (before === undefined) audit(replaces === undefined ? 'key.added' : 'key.rotated', subject);
      else if (!isDeepStrictEqual(before, record)) audit('key.changed', subject);
    }
    for (const { id, tenant, role } of former.values()) {
      if (!present.has(id)) audit('key.removed', { by, keyId: id, tenant, role });
    }
  }

  async function recordOf(id: string): Promise<KeyRecord | undefined> {
    // A key is used the moment it was made.
    if (!records.has(id) || performance.now() - lookedAt >= lookMs) await look();
    const record = records.get(id);
    return record === undefined || isExpired(record) ? undefined : record;
  }

  async function look(): Promise<void> {
    if (path === undefined) return;
    looking ??= read(path)
      // Whoever had a key keeps it: a slip of the pen must not shut everybody out, and opens nothing either.
      .catch((error: Error) => log.error({ file: path, reason: error.message }, 'API keys not read, the old ones stay'))
      .finally(() => {
        lookedAt = performance.now();
        looking = undefined;
      });
    await looking;
  }

  const uses = path === undefined ? undefined : createKeyUses(path, () => records.keys(), log);
  if (path !== undefined) {
    await read(path).catch((error: Error) => {
      throw new ConfigError(`API_KEYS_FILE=${path} cannot be read: ${error.message}`);
    });
  }
  return {
    required: path !== undefined || fixed.size > 0,
    async find(key) {
      const id = idOfKey(key);
      if (id === undefined) return undefined;
      const record = await recordOf(id);
      if (!isKeyOf(key, record ?? nobody) || record === undefined) return undefined;
      uses?.saw(id);
      return record;
    },
    async byId(id) {
      const record = await recordOf(id);
      if (record !== undefined) uses?.saw(id);
      return record;
    },
  };
}
