import { readFile, stat } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { idOfKey, isExpired, isKeyOf, type KeyRecord, parseKeyFile } from '../../shared/api-keys.ts';
import { createAudit } from '../../shared/audit.ts';
import { called } from '../../shared/called.ts';
import { type Config, ConfigError } from '../../shared/config.ts';
import type { Logger } from '../../shared/log.ts';
import { createKeyUses } from './key-use.ts';

export interface KeyRing {
  /**
   * True when requests need a key. It is fixed at the start. Otherwise, removing the last key would open the service to
   * everybody.
   */
  readonly required: boolean;
  /** Returns the record of a valid key that has not expired, and stores that the key was used. */
  find(key: string): Promise<KeyRecord | undefined>;
  /** Returns the record for the key id of a browser session, and stores that the key was used. */
  byId(id: string): Promise<KeyRecord | undefined>;
}

/** The time in ms for which a known key is accepted without checking the key file for changes. */
const recheckMs = 500;

/** Stands in for the record of an unknown id, so that the duration of the check does not reveal which ids exist. */
const nobody = { hash: '0'.repeat(64) };

/**
 * Opens the keys of API_KEYS and of the key file. A missing file counts as empty.
 * @throws {ConfigError} when the file cannot be read.
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
    // The version is stored before parsing, so that a damaged file is reported once and read again only after a change.
    seenVersion = version;
    const inFile = version === 'absent' ? [] : parseKeyFile(await readFile(file, 'utf8'));
    const former = records;
    records = new Map([...inFile.map((record) => [record.id, record] as const), ...fixed]);
    if (!isFirst) auditChanges(former, records);
    if (records.size === 0) log.warn({ file }, `no API keys yet; \`${called} keys add\` makes one`);
    else if (!isFirst) log.info({ file, keys: records.size }, 'API keys reloaded');
  }

  /** Writes an audit log entry for each key that changed in the key file. Every API process writes these entries. */
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
    // A key that was just added must work at once.
    if (!records.has(id) || performance.now() - checkedAt >= recheckMs) await checkFile();
    const record = records.get(id);
    return record === undefined || isExpired(record) ? undefined : record;
  }

  async function checkFile(): Promise<void> {
    if (path === undefined) return;
    check ??= read(path)
      // After an error the previous keys stay valid: a mistake in the file must neither lock out callers nor open the
      // service.
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
