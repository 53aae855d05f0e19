import type { Bytes } from '../../formats/bytes.ts';
import { terminalStates } from '../../shared/contracts/batch/status.ts';
import { codes, ServiceError } from '../../shared/errors.ts';
import { type FormatName, formatNamed, formatOfFile } from '../../shared/formats.ts';
import type { Logger } from '../../shared/log.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { parseS3Location } from '../../shared/s3-location.ts';
import type { Ending } from '../lifecycle/ending.ts';
import type { TaskRun } from '../queue/tasks.ts';
import { streamFailures } from '../reading/failures.ts';
import { readKept } from '../reading/ordered/kept.ts';
import type { Source } from '../reading/read-chunks.ts';
import { inIndexOrder, type ReadAhead, streamResults } from '../reading/stream.ts';
import { filesOf } from '../store/files-of.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { PayloadStore } from '../store/payload-store.ts';
import { type BatchRecord, batchRecord, toStatus } from '../store/record.ts';
import { setFields } from '../store/set-fields.ts';
import { keptSamplesOf } from './kept-samples.ts';

export interface ResultFilesDeps {
  redis: Redis;
  payloads: PayloadStore;
  objects: ObjectStore;
  ending: Ending;
  log: Logger;
}

/** Higher than for a reader over HTTP, because a bucket is slower than Redis. */
const ahead: ReadAhead = { chunks: 16, bytes: 16 * 1024 * 1024 };

/**
 * Creates the task that writes the results of an ended batch into its output folder. The status file is last: when it
 * exists, all others are complete.
 */
export function createResultFiles({ redis, payloads, objects, ending, log }: ResultFilesDeps): TaskRun {
  const source = { redis, payloads };

  async function write(record: BatchRecord, signal: AbortSignal): Promise<void> {
    const files = filesOf(record);
    if (files === null) return;
    const upload = async (address: string, type: string, parts: AsyncIterable<Bytes>) => {
      const place = parseS3Location(address);
      if (place === undefined)
        throw new Error(`The output file ${address} of batch ${record.id} is not an address in a bucket`);
      await objects.upload(place, type, parts, signal);
    };
    const uploadResults = (address: string, format: FormatName) => {
      const parts = streamResults(source, record, format, { formulas: 'escape' }, ahead);
      return upload(address, formatNamed(format).mediaTypes[0], parts);
    };
    await uploadResults(files.results, 'ndjson');
    if (files.csv !== null) await uploadResults(files.csv, 'csv');
    if (files.parquet !== null) await uploadResults(files.parquet, 'parquet');
    if (files.kept !== null && files.keptIds !== null) {
      const kept = await readKept(source, record, record.keep ?? {});
      const { format = formatNamed('tar') } = formatOfFile(files.kept) ?? {};
      await upload(files.kept, format.mediaTypes[0], keptSamplesOf(objects, record, kept, signal));
      await upload(files.keptIds, 'text/plain', keptIds(source, record, kept.isKept));
    }
    await upload(files.failures, formatNamed('ndjson').mediaTypes[0], streamFailures(source, record, ahead));
    const failures = await redis.hgetall(batchKeys(redis, record.id).failures);
    const status = toStatus({ ...record, filesState: 'written' }, failures, 0, record.finishedAt ?? 0);
    await upload(files.status, formatNamed('json').mediaTypes[0], once(`${JSON.stringify(status, null, 2)}\n`));
  }

  return async (id, { isLast, signal }) => {
    const keys = batchKeys(redis, id);
    const hash = await redis.hgetall(keys.batch);
    if (hash['state'] === undefined) return;
    const record = batchRecord.parse(hash);
    if (!terminalStates.has(record.state)) return;
    if (record.filesState === 'pending') {
      const start = performance.now();
      const outcome = await write(record, signal).then(
        () => ({ filesState: 'written' }),
        (error: Error) => {
          signal.throwIfAborted();
          if (isTransient(error) && !isLast) throw error;
          log.warn({ err: error, batchId: id }, 'cannot write the results of a batch as files');
          return { filesState: 'failed', filesError: error.message.slice(0, 1_000) };
        },
      );
      await setFields(redis, id, outcome);
      log.info(
        { batchId: id, output: record.output, ms: Math.round(performance.now() - start) },
        'results of a batch written as files',
      );
    }
    // Queues the webhook, which follows the files.
    await ending.settle(id);
    return undefined;
  };
}

/** Yields the ids of the kept samples, one on each line. The index stands for a missing id. */
async function* keptIds(
  source: Source,
  record: BatchRecord,
  isKept: (index: number) => boolean,
): AsyncGenerator<string> {
  for await (const group of inIndexOrder(source, record, false, ahead)) {
    const kept = group.flatMap(({ results }) => results.filter(({ index }) => isKept(index)));
    yield kept.map(({ id, index }) => `${(id ?? String(index)).replaceAll(/[\r\n]/g, ' ')}\n`).join('');
  }
}

async function* once(text: string): AsyncGenerator<string> {
  yield text;
}

const isTransient = (error: unknown): boolean => !(error instanceof ServiceError) || codes[error.code].retryable;
