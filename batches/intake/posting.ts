import { randomUUID } from 'node:crypto';
import { type Code, ServiceError } from '../../shared/errors.ts';
import { type BatchFormat, endingsInWords, formatOfFile, formats } from '../../shared/formats.ts';
import type { Logger } from '../../shared/log.ts';
import type { Redis } from '../../shared/redis.ts';
import { asFolder, formatS3Location } from '../../shared/s3-location.ts';
import { traced, traceparent } from '../../shared/telemetry/spans.ts';
import type { TenantFolders } from '../admission/folders.ts';
import type { FreeSpaceGauge } from '../admission/free-space.ts';
import type { QueuedItems } from '../admission/queued-items.ts';
import type { StoredBytes } from '../admission/stored-bytes.ts';
import type { Dispatcher } from '../queue/dispatcher.ts';
import type { Queues } from '../queue/queues.ts';
import type { Durability } from '../store/durability.ts';
import { filesOf } from '../store/files-of.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { PayloadStore } from '../store/payload-store.ts';
import { type BatchOptions, type BatchRecord, labelsOf, type Pinned, type Reading } from '../store/record.ts';
import type { MemoryShare } from './chunk-writer.ts';
import { type Reservation, reserve } from './idempotency.ts';
import { type ItemSource, readSource } from './item-source.ts';
import { openBatch } from './open.ts';
import { storeBatch } from './store-batch.ts';

export interface TenantLimits {
  /** The maximum number of items in unfinished batches; 0 allows any number. */
  queuedItems: number;
  /** True when the tenant may use only its share of the memory of Redis. */
  sharesMemory?: boolean;
  /** The share of the workers relative to other tenants. */
  weight: number;
}

interface Posted {
  tenant: string;
  limits?: TenantLimits;
  pinned: Pinned;
  options: BatchOptions;
  /** A second request with the same key and the same body gets the same batch. */
  idempotencyKey?: string | undefined;
  /** Called for a new batch, but not when a repeated request finds an existing one. */
  onCreated?: ((id: string) => void) | undefined;
}

/** A batch whose items are in the request. */
export interface Posting extends Posted {
  items: ItemSource;
  /** Returns the folder in a bucket for the result files. */
  output?: (id: string) => string;
}

/** A batch by reference: its items are in an object of a bucket. */
export interface ReferencePosting extends Posted {
  /** The address of the object with the items. */
  input: string;
  /** The address of the folder for the result files. Default: a folder next to the object, named by the batch id. */
  output: string | undefined;
  reading: Pick<Reading, 'columns' | 'encoding' | 'strictness' | 'delimiter'>;
  /** Returns the hexadecimal SHA-256 of the request. */
  bodyHash: () => string;
}

export interface Intake {
  /** @returns the id of the batch. */
  post(posting: Posting): Promise<string>;
  /** @returns the id of the batch. */
  postReference(posting: ReferencePosting): Promise<string>;
}

export interface IntakeDeps {
  redis: Redis;
  payloads: PayloadStore;
  objects: ObjectStore;
  places: TenantFolders;
  queues: Queues;
  dispatcher: Dispatcher;
  freeSpace: FreeSpaceGauge;
  queued: QueuedItems;
  stored: StoredBytes;
  durability: Durability;
  onPosted: (labels: Record<'queue' | 'profile', string>, items: number) => void;
  log: Logger;
  /** Returns undefined when clients can see no batch with this id. */
  bodyHashOf(id: string): Promise<Pick<BatchRecord, 'bodyHash'> | undefined>;
}

export function createIntake(deps: IntakeDeps): Intake {
  const {
    redis,
    payloads,
    objects,
    places,
    queues,
    dispatcher,
    freeSpace,
    queued,
    durability,
    onPosted,
    log,
    bodyHashOf,
  } = deps;

  /**
   * Creates a single batch for all requests with the same idempotency key.
   * @param store stores the batch of the first request.
   * @param readHash reads the body of a repeated request, and returns its hash.
   */
  async function once(
    { tenant, idempotencyKey, onCreated }: Posted,
    store: (id: string, reservation: Reservation | undefined) => Promise<void>,
    readHash: () => Promise<string>,
  ): Promise<string> {
    const id = randomUUID();
    let reservation: Reservation | undefined;
    if (idempotencyKey !== undefined) {
      const exists = async (known: string) => (await bodyHashOf(known)) !== undefined;
      const reserved = await reserve(redis, tenant, idempotencyKey, id, exists);
      if ('existing' in reserved) {
        const bodyHash = await readHash();
        if ((await bodyHashOf(reserved.existing))?.bodyHash === bodyHash) return reserved.existing;
        const message = `This Idempotency-Key was used with another body, for batch ${reserved.existing}`;
        throw new ServiceError('idempotency.mismatch', message);
      }
      reservation = reserved.reservation;
    }
    try {
      await freeSpace.check();
      await store(id, reservation);
      await durability.confirm();
    } catch (error) {
      // The keys of refused requests would stay in Redis for a week. After other errors the batch may exist, so the key
      // stays.
      if (isRefusal(error)) await reservation?.remove().catch(() => {});
      throw error;
    } finally {
      await reservation?.release().catch(() => {});
    }
    onCreated?.(id);
    return id;
  }

  const shareOf = (id: string, tenant: string): MemoryShare => ({
    claim: (memory) => deps.stored.claim(id, tenant, memory),
    release: () => deps.stored.release(id),
  });

  return {
    async post(posting) {
      const { tenant, limits, pinned, items, output } = posting;
      let stored: number | undefined;
      const store = async (batchId: string, reservation: Reservation | undefined) => {
        const batch = {
          checkFreeSpace: freeSpace.check,
          claim: (count: number) => queued.claim(batchId, tenant, count, limits?.queuedItems ?? 0),
          keeps: posting.options,
          memory: limits?.sharesMemory ? shareOf(batchId, tenant) : undefined,
          id: batchId,
          tenant,
          weight: limits?.weight,
          pinned,
          options: { ...posting.options, ...(output !== undefined && { output: output(batchId) }) },
          items,
          traceparent: traceparent(),
          storesHash: reservation !== undefined,
          ...(reservation !== undefined && { keyHash: reservation.keyHash, onActivity: reservation.renew }),
        };
        const storing = () => storeBatch(redis, payloads, batch);
        stored = await traced('intake', { 'vls.batch': batchId }, storing).catch(async (error: unknown) => {
          await queued.release(batchId).catch(() => {});
          throw error;
        });
      };
      const id = await once(posting, store, async () => (await readSource(items, () => {})).bodyHash());
      if (stored === undefined) return id;
      onPosted(labelsOf(pinned), stored);
      const { model } = pinned;
      const { options } = posting;
      log.info(
        { batchId: id, tenant, ...labelsOf(pinned), model, items: stored, retryOf: options.retryOf },
        'batch accepted',
      );
      // The batch is already acknowledged. If Redis fails now, the sweeper queues its chunks later.
      const dispatched = { id, tenant, profile: pinned.profile, priority: options.priority ?? 0 };
      await traced('dispatch', { 'vls.batch': id }, () => dispatcher.refill(dispatched)).catch((error: unknown) => {
        log.warn({ err: error, batchId: id }, 'batch stored, not yet queued');
      });
      return id;
    },

    async postReference(posting) {
      const { tenant, limits, pinned, options, idempotencyKey, bodyHash, reading } = posting;
      const place = places.check(tenant, posting.input, 'input');
      const format = formatOfFile(place.key)?.format;
      if (format === undefined || !isReadByReference(format)) {
        const endings = endingsInWords(formats.filter(isReadByReference));
        const message = `expected an object whose name ends in ${endings}; all but .parquet may also end in .gz`;
        throw new ServiceError('request.invalid', `input: ${message}`, { faults: [{ path: 'input', message }] });
      }
      if (options.keep !== undefined && format.name !== 'tar' && format.name !== 'parquet') {
        const message =
          'selects samples of a tar or of Parquet; read the results of other inputs with `minScore` or `top`';
        throw new ServiceError('request.invalid', `keep: ${message}`, { faults: [{ path: 'keep', message }] });
      }
      const given = posting.output === undefined ? undefined : places.check(tenant, posting.output, 'output');
      if (given !== undefined) keepInput(formatS3Location(place), formatS3Location(asFolder(given)), options);
      const store = async (id: string, reservation: Reservation | undefined) => {
        const { etag } = await objects.head(place);
        const nextToInput = {
          bucket: place.bucket,
          key: `${place.key.slice(0, place.key.lastIndexOf('/') + 1)}${id}/`,
        };
        const batch = {
          id,
          tenant,
          weight: limits?.weight,
          keyHash: reservation?.keyHash,
          pinned,
          options: { ...options, output: formatS3Location(asFolder(given ?? nextToInput)) },
          traceparent: traceparent(),
        };
        const reference = {
          input: formatS3Location(place),
          inputEtag: etag,
          reading: {
            ...reading,
            queuedItems: limits?.queuedItems ?? 0,
            sharesMemory: limits?.sharesMemory ?? false,
          },
          bodyHash: idempotencyKey === undefined ? undefined : bodyHash(),
        };
        await openBatch(redis, batch, { reference });
        const { model } = pinned;
        log.info({ batchId: id, tenant, ...labelsOf(pinned), model, input: reference.input }, 'batch accepted');
        await queues.ensureTask('intake', { id, tenant }).catch((error: unknown) => {
          log.warn({ err: error, batchId: id }, 'batch accepted, but the job that reads its input is not yet queued');
        });
      };
      return await once(posting, store, async () => bodyHash());
    },
  };
}

const isReadByReference = ({ isRead }: BatchFormat): boolean => isRead;

/** The codes, besides `request.*`, that refuse a batch while its items arrive. */
const refusals = new Set<Code>(['batch.empty', 'batch.too_many_items', 'tenant.queue_full']);
const isRefusal = (error: unknown): boolean =>
  error instanceof ServiceError && (error.code.startsWith('request.') || refusals.has(error.code));

/** Refuses a batch whose result files would overwrite its input. @throws {ServiceError} `request.invalid` */
function keepInput(input: string, output: string, { tables, keep }: BatchOptions): void {
  if (!Object.values(filesOf({ input, output, tables, keep }) ?? {}).includes(input)) return;
  const message = `the results would overwrite ${input}; name another folder`;
  throw new ServiceError('request.invalid', `output: ${message}`, { faults: [{ path: 'output', message }] });
}
