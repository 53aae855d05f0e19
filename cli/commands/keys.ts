import { open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import type { Command } from 'commander';
import {
  createKey,
  entryOfKeyRecord,
  formatKeyFile,
  type KeyRecord,
  keyRecord,
  parseKeyFile,
} from '../../shared/api-keys.ts';
import type { Config } from '../../shared/config.ts';
import { UsageError } from '../failure.ts';
import { json, type Terminal, table } from '../output.ts';

export interface KeysCommandDeps {
  terminal: Terminal;
  /** The settings, read when a command runs. */
  config(): Config;
}

interface AddOptions {
  tenant: string;
  operator?: true;
  weight?: string;
  requestsPerMinute?: string;
  queuedItems?: string;
  entry?: true;
}

interface Global {
  json?: boolean;
  file?: string;
}

/** `vls keys add | list | remove`: edits the file of API keys, which a running service reads again by itself. */
export function addKeysCommand(program: Command, { terminal, config }: KeysCommandDeps): void {
  const { stdout, stderr } = terminal;
  const keys = program
    .command('keys')
    .description('The API keys of a service: who may use it, and as whom.')
    .option('--file <file>', 'the file of keys (API_KEYS_FILE)');

  const fileOf = (command: Command): string => {
    const path = command.optsWithGlobals<Global>().file ?? config().apiKeysFile;
    if (path !== undefined) return path;
    throw new UsageError('Which file? Set API_KEYS_FILE, for the service too, or give --file');
  };

  keys
    .command('add')
    .description('make a key and print it, once: only its hash is kept')
    .requiredOption('-t, --tenant <name>', 'whose key it is; the batches of a tenant are seen with all of its keys')
    .option('--operator', 'may see the batches of everybody, the queues and the metrics')
    .option('--weight <number>', "share of the workers beside other tenants'; 1 unless said otherwise")
    .option('--requests-per-minute <count>', 'instead of TENANT_REQUESTS_PER_MINUTE; 0: any number')
    .option('--queued-items <count>', 'instead of TENANT_QUEUED_ITEMS; 0: any number')
    .option('--entry', 'change no file, and print an entry for the variable API_KEYS')
    .action(async (options: AddOptions, command: Command) => {
      const { key, id, hash } = createKey();
      const record = toRecord(options, id, hash);
      const isJson = command.optsWithGlobals<Global>().json ?? false;
      if (options.entry) {
        if (record.weight !== undefined || record.limits !== undefined)
          throw new UsageError('An entry has no room for weight and limits: use a file of keys for them');
        const entry = entryOfKeyRecord(record);
        if (isJson) return void stdout.write(json({ id, tenant: record.tenant, role: record.role, key, entry }));
        stderr.write('Add the entry to API_KEYS; the key itself is not kept anywhere.\n');
        return void stdout.write(`entry ${entry}\nkey   ${key}\n`);
      }
      const file = fileOf(command);
      await edit(file, (records) => [...records, record]);
      if (isJson) return void stdout.write(json({ id, tenant: record.tenant, role: record.role, key, file }));
      stderr.write(`Key ${id} of ${record.tenant} (${record.role}) is in ${file}. It is shown this once:\n`);
      stdout.write(`${key}\n`);
    });

  keys
    .command('list')
    .description('show the keys there are, without their secrets')
    .action(async (_options: object, command: Command) => {
      const records = await read(fileOf(command));
      if (command.optsWithGlobals<Global>().json) {
        return void stdout.write(json({ keys: records.map(({ hash: _hash, ...shown }) => shown) }));
      }
      const limit = (value: number | undefined) => (value === undefined ? '-' : value === 0 ? 'none' : String(value));
      stdout.write(
        table(stdout, [
          ['ID', 'TENANT', 'ROLE', 'WEIGHT', 'REQUESTS/MIN', 'QUEUED ITEMS', 'CREATED'],
          ...records.map(({ id, tenant, role, weight, limits, created }) => [
            id,
            tenant,
            role,
            String(weight ?? 1),
            limit(limits?.requestsPerMinute),
            limit(limits?.queuedItems),
            created ?? '-',
          ]),
        ]),
      );
    });

  keys
    .command('remove')
    .description('take keys away; whoever uses one is shut out within a second, signed-in browsers too')
    .argument('<id...>', 'ids of keys, as `list` shows them')
    .action(async (ids: string[], _options: object, command: Command) => {
      const file = fileOf(command);
      await edit(file, (records) => {
        const unknown = ids.find((id) => !records.some((record) => record.id === id));
        if (unknown !== undefined) throw new UsageError(`There is no key ${unknown.slice(0, 40)} in ${file}`);
        return records.filter(({ id }) => !ids.includes(id));
      });
      if (command.optsWithGlobals<Global>().json) stdout.write(json({ removed: ids }));
      else stdout.write(`Removed ${ids.join(', ')} from ${file}.\n`);
    });
}

function toRecord(options: AddOptions, id: string, hash: string): KeyRecord {
  const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
  const limits = {
    requestsPerMinute: number(options.requestsPerMinute),
    queuedItems: number(options.queuedItems),
  };
  const parsed = keyRecord.safeParse({
    id,
    hash,
    tenant: options.tenant,
    role: options.operator ? 'operator' : 'tenant',
    weight: number(options.weight),
    limits: limits.requestsPerMinute === undefined && limits.queuedItems === undefined ? undefined : limits,
    created: new Date().toISOString(),
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UsageError(`${issue?.path.join('.')}: ${issue?.message}`);
}

async function read(file: string): Promise<KeyRecord[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  try {
    return parseKeyFile(text);
  } catch (error) {
    throw new UsageError(`${file} is no file of keys: ${(error as Error).message}`);
  }
}

/** Writes a new file beside the old one, for whoever may read its owner's files alone, and puts it in its place. */
async function edit(path: string, change: (records: KeyRecord[]) => KeyRecord[]): Promise<void> {
  // A link stays one: what it leads to is replaced.
  const file = await realpath(path).catch(() => path);
  const draft = `${file}.new`;
  // Made exclusively, so it is the lock too.
  const handle = await open(draft, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    throw new UsageError(`${draft} is there: somebody else edits the keys, or was interrupted; then remove it`);
  });
  try {
    // Widened by hand, so that the service may read it as another user, it stays so.
    const former = await stat(file).catch(() => undefined);
    if (former !== undefined) await handle.chmod(former.mode & 0o777);
    await handle.writeFile(formatKeyFile(change(await read(file))));
    await handle.sync();
    await handle.close();
    await rename(draft, file);
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(draft, { force: true });
    throw error;
  }
}
