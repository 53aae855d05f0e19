import { readFile, stat } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { idOfKey, isExpired, isKeyOf, type KeyRecord, parseKeyFile } from '../../shared/api-keys.ts';
import { createAudit } from '../../shared/audit.ts';
import { called } from '../../shared/called.ts';
import { type Config, ConfigError } from '../../shared/config.ts';
import type { Logger } from '../../shared/log.ts';
import { createKeyUses } from './key-use.ts';

/** Finds the API keys of this service. */
export interface KeyRing {
  /**
   * True when requests need a key. The value does not change while the process runs. Otherwise, the removal of the last
   * key would open the service to everybody.
   */
  readonly required: boolean;
  /**
   * Returns the record of an API key, or undefined when the key is invalid or expired. Stores that the key was used.
   */
  find(key: string): Promise<KeyRecord | undefined>;
  /**
   * Returns the record of the key with this id, for a browser session that started with the key. Stores that the key
   * was used.
   */
  byId(id: string): Promise<KeyRecord | undefined>;
}

/**
 * The time in ms for which a known key is accepted without checking the key file for changes. An unknown key always
 * causes a check.
 */
const recheckMs = 500;

/**
 * Replaces the record of an unknown key id. The check of an unknown id then takes as long as the check of a known id
 * with a wrong secret. The duration of the check thus does not reveal which ids exist.
 */
const nobody = { hash: '0'.repeat(64) };

/**
 * Opens the key ring: reads the API keys from the environment variable API_KEYS and from the key file. A missing file
 * counts as empty.
 * @throws {ConfigError} when the file exists and cannot be read.
 */
export async function openKeyRing(config: Pick<Config, 'apiKeys' | 'apiKeysFile'>, log: Logger): Promise<KeyRing> {
  const { apiKeys, apiKeysFile: path } = config;
  const fixed = new Map(apiKeys.map((record) => [record.id, record]));
  const audit = createAudit(log);
  let records: ReadonlyMap<string, KeyRecord> = fixed;
  let seenVersion = '';
  let checkedAt = Number.NEGATIVE_INFINITY;
  let check: Promise<void> | undefined;

  async function read(file: string): Promise<void> {
    const version = await stat(file, { bigint: true }).then(
      ({ ino, size, mtimeNs, ctimeNs }) => [ino, size, mtimeNs, ctimeNs].join(),
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return 'absent';
        throw error;
      },
    );
    if (version === seenVersion) return;
    const isFirst = seenVersion === '';
    // The version of the key file is stored before the file is parsed. A damaged file is then reported once, and is
    // read again only after it has changed.
    seenVersion = version;
    const inFile = version === 'absent' ? [] : parseKeyFile(await readFile(file, 'utf8'));
    const former = records;
    records = new Map([...inFile.map((record) => [record.id, record] as const), ...fixed]);
    if (!isFirst) auditChanges(former, records);
    if (records.size === 0) log.warn({ file }, `no API keys yet; \`${called} keys add\` makes one`);
    else if (!isFirst) log.info({ file, keys: records.size }, 'API keys reloaded');
  }

  /**
   * Writes an audit log entry for each key that was added to, changed in or removed from the key file. Every API
   * process writes these entries, because no other process watches the file.
   */
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
    // A key that was added to the file a moment ago must work at once.
    if (!records.has(id) || performance.now() - checkedAt >= recheckMs) await checkFile();
    const record = records.get(id);
    return record === undefined || isExpired(record) ? undefined : record;
  }

  async function checkFile(): Promise<void> {
    if (path === undefined) return;
    check ??= read(path)
      // After an error the previous keys stay valid. A mistake in the key file must neither lock out all callers nor
      // open the service.
      .catch((error: Error) =>
        log.error({ file: path, reason: error.message }, 'cannot read the API keys; the previous ones stay valid'),
      )
      .finally(() => {
        checkedAt = performance.now();
        check = undefined;
      });
    await check;
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
      uses?.record(id);
      return record;
    },
    async byId(id) {
      const record = await recordOf(id);
      if (record !== undefined) uses?.record(id);
      return record;
    },
  };
}
