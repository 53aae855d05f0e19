import { open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import type { Command } from 'commander';
import {
  createKey,
  entryOfKeyRecord,
  formatKeyFile,
  isExpired,
  type KeyRecord,
  type KeyUse,
  keyRecord,
  parseKeyFile,
  parseKeyUse,
  useFileOf,
} from '../../shared/api-keys.ts';
import { called } from '../../shared/called.ts';
import type { Config } from '../../shared/config.ts';
import { inOurWords } from '../../shared/validation-words.ts';
import { parseDuration, parseMoment } from '../duration.ts';
import { UsageError } from '../failures.ts';
import { json, type Terminal, table } from '../output.ts';

export interface KeysCommandDeps {
  terminal: Terminal;
  /** Called when a command runs, so that `--help` needs no valid settings. */
  config(): Config;
}

interface AddOptions {
  tenant: string;
  operator?: true;
  weight?: string;
  requestsPerMinute?: string;
  queuedItems?: string;
  streams?: string;
  expires?: string;
  entry?: true;
}

interface RotateOptions {
  overlap: string;
  expires?: string;
}

interface Global {
  json?: boolean;
  file?: string;
}

/** Commands that edit the key file. A running service reloads it. */
export function addKeysCommand(program: Command, { terminal, config }: KeysCommandDeps): void {
  const { stdout, stderr } = terminal;
  const keys = program
    .command('keys')
    .description('Manage the API keys of a service.')
    .option('--file <file>', 'the key file (API_KEYS_FILE)');

  const fileOf = (command: Command): string => {
    const path = command.optsWithGlobals<Global>().file ?? config().apiKeysFile;
    if (path !== undefined) return path;
    throw new UsageError('No key file given: set API_KEYS_FILE (also for the service) or use --file');
  };

  keys
    .command('add')
    .description('Create a key and print it once; only its hash is stored.')
    .requiredOption('-t, --tenant <name>', 'tenant of the key; all keys of a tenant see the same batches')
    .option('--operator', 'allow access to the batches of all tenants, the queues and the metrics')
    .option('--weight <number>', 'share of the workers relative to other tenants; default 1')
    .option('--requests-per-minute <count>', 'limit of requests per minute; default 6000, 0 for no limit')
    .option('--queued-items <count>', 'limit of items in unfinished batches; default 10000000, 0 for no limit')
    .option(
      '--streams <count>',
      'limit of open streams (events, streamed results, posts that wait); default 500, 0 for no limit',
    )
    .option('--expires <when>', 'expiry: 90d, 24h, or a date such as 2027-01-31')
    .option('--entry', 'print an entry for the variable API_KEYS and change no file')
    .action(async (options: AddOptions, command: Command) => {
      const { key, id, hash } = createKey();
      const record = toRecord(options, id, hash);
      const isJson = command.optsWithGlobals<Global>().json ?? false;
      if (options.entry) {
        if (record.weight !== undefined || record.limits !== undefined)
          throw new UsageError('An entry of API_KEYS cannot contain a weight or limits; use a key file');
        const entry = entryOfKeyRecord(record);
        if (isJson) return void stdout.write(json({ id, tenant: record.tenant, role: record.role, key, entry }));
        stderr.write('Add the entry to API_KEYS; the key itself is not stored.\n');
        return void stdout.write(`entry ${entry}\nkey   ${key}\n`);
      }
      const file = fileOf(command);
      await edit(file, (records) => ({ records: [...records, record], result: undefined }));
      if (isJson)
        return void stdout.write(
          json({ id, tenant: record.tenant, role: record.role, expires: record.expires, key, file }),
        );
      stderr.write(`Key ${id} of ${record.tenant} (${record.role}) is in ${file}. It is shown only once:\n`);
      stdout.write(`${key}\n`);
    });

  keys
    .command('list')
    .description('List the keys without their secrets.')
    .action(async (_options: object, command: Command) => {
      const file = fileOf(command);
      const [records, uses] = await Promise.all([read(file), readUses(file)]);
      if (command.optsWithGlobals<Global>().json) {
        return void stdout.write(
          json({ keys: records.map(({ hash: _hash, ...shown }) => ({ ...shown, lastUsed: uses[shown.id] ?? null })) }),
        );
      }
      const limit = (value: number | undefined) => (value === undefined ? '-' : value === 0 ? 'none' : String(value));
      stdout.write(
        table(stdout, [
          [
            'ID',
            'TENANT',
            'ROLE',
            'WEIGHT',
            'REQUESTS/MIN',
            'QUEUED ITEMS',
            'STREAMS',
            'CREATED',
            'EXPIRES',
            'LAST USED',
          ],
          ...records.map((record) => [
            record.id,
            record.tenant,
            record.role,
            String(record.weight ?? 1),
            limit(record.limits?.requestsPerMinute),
            limit(record.limits?.queuedItems),
            limit(record.limits?.streams),
            minuteOf(record.created),
            isExpired(record) ? `expired ${minuteOf(record.expires)}` : minuteOf(record.expires),
            minuteOf(uses[record.id]),
          ]),
        ]),
      );
    });

  keys
    .command('rotate')
    .description('Create a key that replaces another one. The old key keeps working during the overlap.')
    .argument('<name>', 'id of the key, or its tenant if the tenant has only one key')
    .option('--overlap <duration>', 'time for which the old key keeps working: 24h, 30m, 7d, or 0', '24h')
    .option('--expires <when>', 'expiry of the new key; by default it gets the same lifetime as the old key')
    .action(async (name: string, options: RotateOptions, command: Command) => {
      const file = fileOf(command);
      const { key, id, hash } = createKey();
      const { former, record } = await edit(file, (records) => {
        const rotated = rotate(records, name, { id, hash }, options, file);
        return { records: rotated.records, result: rotated };
      });
      if (command.optsWithGlobals<Global>().json) {
        const { tenant, role, expires } = record;
        const replaced = { id: former.id, expires: former.expires };
        return void stdout.write(json({ id, tenant, role, expires, replaces: replaced, key, file }));
      }
      stderr.write(`Key ${id} of ${record.tenant} (${record.role}) replaces ${former.id} in ${file}. `);
      stderr.write(`The old key works until ${former.expires}. The new key is shown only once:\n`);
      stdout.write(`${key}\n`);
    });

  keys
    .command('remove')
    .description('Remove keys. Their clients and signed-in browsers lose access within a second.')
    .argument('<id...>', 'ids of the keys to remove, as `vls keys list` shows them')
    .action(async (ids: string[], _options: object, command: Command) => {
      const file = fileOf(command);
      await edit(file, (records) => {
        const unknown = ids.find((id) => !records.some((record) => record.id === id));
        if (unknown !== undefined) throw new UsageError(`There is no key ${unknown.slice(0, 40)} in ${file}`);
        return { records: records.filter(({ id }) => !ids.includes(id)), result: undefined };
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
    streams: number(options.streams),
  };
  const parsed = keyRecord.safeParse(
    {
      id,
      hash,
      tenant: options.tenant,
      role: options.operator ? 'operator' : 'tenant',
      weight: number(options.weight),
      limits: Object.values(limits).every((limit) => limit === undefined) ? undefined : limits,
      created: new Date().toISOString(),
      expires: options.expires === undefined ? undefined : parseMoment(options.expires).toISOString(),
    },
    { error: inOurWords },
  );
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UsageError(`${issue?.path.join('.')}: ${issue?.message}`);
}

const minuteOf = (time: string | undefined): string => (time === undefined ? '-' : `${time.slice(0, 16)}Z`);

/**
 * Replaces the named key by a new one. The old one gets an expiry.
 * @throws {UsageError} when the name does not identify exactly one key, or when that key cannot be replaced.
 */
function rotate(
  records: readonly KeyRecord[],
  name: string,
  made: Pick<KeyRecord, 'id' | 'hash'>,
  { overlap, expires }: RotateOptions,
  file: string,
): { records: KeyRecord[]; former: KeyRecord; record: KeyRecord } {
  const successorOf = ({ id }: KeyRecord) => records.find(({ replaces }) => replaces === id);
  const current = (record: KeyRecord) => !isExpired(record) && successorOf(record) === undefined;
  const named = records.find(({ id }) => id === name);
  const candidates =
    named === undefined ? records.filter((record) => record.tenant === name && current(record)) : [named];
  const [rotated, ...others] = candidates;
  if (rotated === undefined) throw new UsageError(`There is no key ${name.slice(0, 64)} in ${file}`);
  if (others.length > 0) {
    throw new UsageError(
      `${name} has ${candidates.length} keys; give the id of one: ${candidates.map(({ id }) => id).join(', ')}`,
    );
  }
  const successor = successorOf(rotated);
  if (successor !== undefined) throw new UsageError(`${rotated.id} has already been replaced by ${successor.id}`);
  if (isExpired(rotated)) throw new UsageError(`${rotated.id} has expired; \`${called} keys add\` makes a new key`);

  const now = Date.now();
  const end = Math.min(now + parseDuration(overlap), Date.parse(rotated.expires ?? '') || Number.POSITIVE_INFINITY);
  const former = { ...rotated, expires: new Date(end).toISOString() };
  const { expires: _expires, replaces: _replaces, ...same } = rotated;
  const record: KeyRecord = { ...same, ...made, created: new Date(now).toISOString(), replaces: rotated.id };
  const expiry = expires === undefined ? sameLifetime(rotated, now) : parseMoment(expires, now);
  if (expiry !== undefined) record.expires = expiry.toISOString();
  return { records: [...records.map((each) => (each === rotated ? former : each)), record], former, record };
}

/**
 * Returns the expiry that gives a new key the lifetime of the replaced key; undefined if the replaced key does not
 * expire.
 */
function sameLifetime({ id, created, expires }: KeyRecord, now: number): Date | undefined {
  if (expires === undefined) return undefined;
  if (created !== undefined) return new Date(now + Date.parse(expires) - Date.parse(created));
  throw new UsageError(`${id} has an expiry date but no creation date, so its lifetime is unknown; set --expires`);
}

async function readUses(file: string): Promise<KeyUse> {
  const path = useFileOf(await realpath(file).catch(() => file));
  return parseKeyUse(await readFile(path, 'utf8').catch(() => ''));
}

async function read(file: string): Promise<KeyRecord[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  try {
    return parseKeyFile(text);
  } catch (error) {
    throw new UsageError(`${file} is not a key file: ${(error as Error).message}`);
  }
}

/**
 * Replaces the key file atomically, and keeps the permissions of the old file. Without an old file, only the owner may
 * read it.
 */
async function edit<Result>(
  path: string,
  change: (records: KeyRecord[]) => { records: KeyRecord[]; result: Result },
): Promise<Result> {
  // Keeps a symbolic link and replaces its target.
  const file = await realpath(path).catch(() => path);
  const draft = `${file}.new`;
  // The new file is also the lock: it exists while another command edits the keys.
  const handle = await open(draft, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    throw new UsageError(
      `${draft} exists: another command is editing the keys, or was interrupted. Remove the file if no such command is running`,
    );
  });
  try {
    // An operator may have extended the permissions, so that the service can read the file as another user.
    const former = await stat(file).catch(() => undefined);
    if (former !== undefined) await handle.chmod(former.mode & 0o777);
    const { records, result } = change(await read(file));
    await handle.writeFile(formatKeyFile(records));
    await handle.sync();
    await handle.close();
    await rename(draft, file);
    return result;
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(draft, { force: true });
    throw error;
  }
}
