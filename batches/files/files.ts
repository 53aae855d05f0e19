import { randomUUID } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { z } from 'zod';
import { ServiceError } from '../../shared/errors.ts';
import { everyTenant, fileExpiries, fileKeys, type TenantScope, tenantFiles } from '../../shared/redis/keys.ts';
import { redisTime } from '../../shared/redis/time.ts';
import type { Redis } from '../../shared/redis.ts';
import type { FreeSpaceGauge } from '../admission/free-space.ts';
import type { StoredBytes } from '../admission/stored-bytes.ts';
import type { Durability } from '../store/durability.ts';
import type { PayloadStore } from '../store/payload-store.ts';

const fileRecord = z.object({
  id: z.string(),
  tenant: z.string(),
  name: z.string(),
  bytes: z.coerce.number().int(),
  pieces: z.coerce.number().int(),
  /** In ms since 1970. */
  createdAt: z.coerce.number().int(),
  expiresAt: z.coerce.number().int(),
});

export type StoredFile = z.output<typeof fileRecord>;

export interface NewFile {
  tenant: string;
  bytes: AsyncIterable<Buffer>;
  /** True when the file counts towards a limited share of Redis memory. */
  sharesMemory: boolean;
  /** Returns the name and the lifetime in ms. Called after the last byte. It may throw to refuse the file. */
  facts: () => { name: string; lifeMs: number | undefined };
}

/**
 * Stores uploaded files in blocks of 1 MiB in the payload store (Redis or a bucket). Every call fails with
 * `file.not_found` for a file that the caller may not access.
 */
export interface Files {
  /**
   * @throws {ServiceError} `request.too_large`, `queue.full`, `tenant.queue_full`, and errors while the bytes are read.
   */
  store(file: NewFile): Promise<StoredFile>;
  find(scope: TenantScope, id: string): Promise<StoredFile>;
  /** Returns a page of files, the latest first, and true when more files follow. */
  list(scope: TenantScope, page: { after?: string | undefined; limit: number }): Promise<[StoredFile[], boolean]>;
  read(file: StoredFile): AsyncGenerator<Buffer>;
  remove(scope: TenantScope, id: string): Promise<void>;
  /** Deletes expired files and the bytes of interrupted uploads. */
  sweep(): Promise<void>;
}

export interface FilesDeps {
  redis: Redis;
  payloads: PayloadStore;
  freeSpace: FreeSpaceGauge;
  stored: Pick<StoredBytes, 'claim' | 'release'>;
  durability: Pick<Durability, 'confirm'>;
  /** The maximum lifetime of a file in ms. A client may request less. */
  retentionMs: number;
}

/** The maximum size of a file in bytes, as in OpenAI's API. */
export const maxFileBytes = 512 * 1024 * 1024;
const pieceBytes = 1024 * 1024;
/** Milliseconds after which the bytes of an unfinished upload are deleted. */
const uploadMs = 3_600_000;
/** The maximum number of files that one sweep deletes. */
const sweptPerRound = 100;

export function createFiles({ redis, payloads, freeSpace, stored, durability, retentionMs }: FilesDeps): Files {
  async function read(id: string): Promise<StoredFile | undefined> {
    const hash = await redis.hgetall(fileKeys(redis, id).file);
    return hash['id'] === undefined ? undefined : fileRecord.parse(hash);
  }

  async function find(scope: TenantScope, id: string): Promise<StoredFile> {
    const file = isFileId(id) ? await read(id) : undefined;
    if (file !== undefined && (scope === everyTenant || file.tenant === scope)) return file;
    throw new ServiceError('file.not_found', `There is no file ${id.slice(0, 100)}`);
  }

  /** Deletes all data of a file, its record first. Safe to repeat. */
  async function erase(id: string): Promise<void> {
    const keys = fileKeys(redis, id);
    const tenant = await redis.hget(keys.file, 'tenant');
    await redis.unlink(keys.file, keys.pieces);
    for (const scope of tenant === null ? [everyTenant] : [tenant, everyTenant]) {
      await redis.zrem(tenantFiles(redis, scope as TenantScope), id);
    }
    await stored.release(id);
    if (await payloads.erase(id)) await redis.zrem(fileExpiries(redis), id);
  }

  return {
    find,
    async store({ tenant, bytes, sharesMemory, facts }) {
      await freeSpace.check();
      const id = `file-${randomUUID()}`;
      const keys = fileKeys(redis, id);
      const createdAt = await redisTime(redis);
      // The sweeper finds an interrupted upload only if it is listed before its first bytes are stored.
      await redis.zadd(fileExpiries(redis), createdAt + uploadMs, id);
      let pieces = 0;
      let held = 0;
      let size = 0;
      try {
        for await (const piece of piecesOf(bytes)) {
          size += piece.length;
          if (size > maxFileBytes) {
            throw new ServiceError(
              'request.too_large',
              `The file exceeds the maximum of ${maxFileBytes} bytes; split it`,
            );
          }
          const payload = await payloads.putInput(id, pieces, deflateRawSync(piece, { level: 1 }));
          held += payload.length;
          if (pieces % 16 === 0) await freeSpace.check();
          await redis.hset(keys.pieces, String(pieces), payload);
          if (sharesMemory) await stored.claim(id, tenant, { inputs: 0, columns: held });
          pieces++;
        }
        const { name, lifeMs } = facts();
        const expiresAt = createdAt + Math.min(lifeMs ?? retentionMs, retentionMs);
        const record = { id, tenant, name, bytes: size, pieces, createdAt, expiresAt };
        await redis.hset(keys.file, record);
        await redis.zadd(tenantFiles(redis, tenant), createdAt, id);
        await redis.zadd(tenantFiles(redis, everyTenant), createdAt, id);
        await redis.zadd(fileExpiries(redis), expiresAt, id);
        await durability.confirm();
        return record;
      } catch (error) {
        // If this fails, the sweeper deletes the file later.
        await erase(id).catch(() => {});
        throw error;
      }
    },
    async list(scope, { after, limit }) {
      const names = tenantFiles(redis, scope);
      const rank = after === undefined ? null : await redis.zrevrank(names, (await find(scope, after)).id);
      const start = rank === null ? 0 : rank + 1;
      const ids = await redis.zrevrange(names, start, start + limit);
      const files = await Promise.all(ids.slice(0, limit).map(read));
      return [files.filter((file) => file !== undefined), ids.length > limit];
    },
    async *read({ id, pieces }) {
      for (let piece = 0; piece < pieces; piece++) {
        const payload = await redis.hgetBuffer(fileKeys(redis, id).pieces, String(piece));
        if (payload === null) throw new ServiceError('file.not_found', 'The file was deleted while it was read');
        yield inflateRawSync(await payloads.get(id, payload));
      }
    },
    async remove(scope, id) {
      await erase((await find(scope, id)).id);
    },
    async sweep() {
      const now = await redisTime(redis);
      const ids = await redis.zrangebyscore(fileExpiries(redis), 0, now, 'LIMIT', 0, sweptPerRound);
      for (const id of ids) await erase(id);
    },
  };
}

/** Returns true for a well-formed file id. Ids become part of Redis keys. */
const isFileId = (id: string): boolean => /^file-[0-9a-f-]{36}$/.test(id);

/** Splits bytes into blocks of `pieceBytes`. */
async function* piecesOf(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let length = 0;
  for await (const part of bytes) {
    held.push(part);
    length += part.length;
    if (length < pieceBytes) continue;
    const whole = Buffer.concat(held);
    let from = 0;
    for (; from + pieceBytes <= whole.length; from += pieceBytes) yield whole.subarray(from, from + pieceBytes);
    held = from < whole.length ? [whole.subarray(from)] : [];
    length = whole.length - from;
  }
  if (length > 0) yield Buffer.concat(held);
}
