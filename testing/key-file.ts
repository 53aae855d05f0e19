import { mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKey, formatKeyFile, type KeyRecord } from '../shared/api-keys.ts';

export interface KeyFile {
  path: string;
  /** Creates a key, adds its record to the file, and returns the key. */
  add(tenant: string, more?: Partial<Pick<KeyRecord, 'role' | 'weight' | 'limits'>>): string;
  remove(key: string): void;
}

export function createKeyFile(): KeyFile {
  const path = join(mkdtempSync(join(tmpdir(), 'vls-keys-')), 'keys.jsonl');
  let records: KeyRecord[] = [];
  const write = () => {
    writeFileSync(`${path}.draft`, formatKeyFile(records));
    renameSync(`${path}.draft`, path);
  };
  write();
  return {
    path,
    add(tenant, more = {}) {
      const { key, id, hash } = createKey();
      records.push({ id, hash, tenant, role: 'tenant', ...more });
      write();
      return key;
    },
    remove(key) {
      records = records.filter(({ id }) => !key.startsWith(`vls_${id}_`));
      write();
    },
  };
}

export const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` });
