import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { type Bytes, toBuffer } from '../../formats/bytes.ts';
import { ServiceError } from '../../shared/errors.ts';
import { formatS3Location, type S3Location } from '../../shared/s3-location.ts';
import type { ObjectStore, ObjectStoreOptions } from './object-store.ts';

const attempts = 3;
const connectMs = 2_000;
/**
 * Milliseconds until a response begins. All attempts must end within 30 s, the lease of a request that posts a batch.
 */
const answerMs = 5_000;
/** Milliseconds until a response begins for which no client waits, such as that to a part of a file. */
const patientAnswerMs = 60_000;
/** The maximum time in ms between two bytes of a response. */
const idleMs = 30_000;
/** The maximum number of connections. A single batch already requests 32 payloads at a time. */
const connections = 128;

/** The maximum number of consecutive connections that break without a byte. Reading a long object may take hours. */
const resumes = 5;
const resumeMs = 1_000;

/** Bytes of a part. S3 accepts at most 10,000, so a file may have up to 160 GB. Two parts are in memory at a time. */
const partBytes = 16 * 1024 * 1024;
const partsAtATime = 2;

/**
 * The maximum number of pages (of a thousand objects) that one call of `remove` deletes. Callers must not wait for
 * minutes.
 */
const pagesPerCall = 2;

/**
 * Connects to an S3-compatible store. The SDK finds region and credentials in its environment variables, its files, or
 * the role of the machine or pod.
 */
export function connectS3({ endpoint }: ObjectStoreOptions): ObjectStore {
  const clientWith = (requestTimeout: number): S3Client =>
    new S3Client({
      maxAttempts: attempts,
      requestHandler: {
        connectionTimeout: connectMs,
        requestTimeout,
        throwOnRequestTimeout: true,
        socketTimeout: Math.max(requestTimeout, idleMs),
        httpAgent: { keepAlive: true, maxSockets: connections },
        httpsAgent: { keepAlive: true, maxSockets: connections },
      },
      // Some stores do not support the newer checksums of the SDK.
      ...(endpoint !== undefined && {
        endpoint,
        forcePathStyle: true,
        requestChecksumCalculation: 'WHEN_REQUIRED',
        responseChecksumValidation: 'WHEN_REQUIRED',
      }),
    });
  const client = clientWith(answerMs);
  const patient = clientWith(patientAnswerMs);
  const named = ({ bucket, key }: S3Location) => ({ Bucket: bucket, Key: key });

  return {
    async put(place, content) {
      await asked(place, () => client.send(new PutObjectCommand({ ...named(place), Body: content })));
    },
    async get(place) {
      return await asked(place, async () => {
        const { Body } = await client.send(new GetObjectCommand(named(place)));
        return Buffer.from((await Body?.transformToByteArray()) ?? []);
      });
    },
    async head(place) {
      const { ContentLength = 0, ETag = '' } = await asked(place, () =>
        client.send(new HeadObjectCommand(named(place))),
      );
      return { size: ContentLength, etag: ETag };
    },
    async *read(place, etag, signal) {
      let offset = 0;
      let size = Number.POSITIVE_INFINITY;
      for (let failures = 0; offset < size; ) {
        try {
          const from = offset === 0 ? {} : { Range: `bytes=${offset}-` };
          const command = new GetObjectCommand({ ...named(place), IfMatch: etag, ...from });
          const { Body, ETag, ContentLength = 0 } = await client.send(command, { abortSignal: signal });
          // Some stores ignore `IfMatch`.
          if (ETag !== etag) throw changed(place);
          size = offset + ContentLength;
          for await (const bytes of Body as Readable as AsyncIterable<Buffer>) {
            failures = 0;
            offset += bytes.length;
            yield bytes;
          }
        } catch (error) {
          signal.throwIfAborted();
          const fault = faultOf(error, place);
          failures++;
          if (fault.code !== 'storage.unavailable' || failures > resumes) throw fault;
          await delay(resumeMs, undefined, { signal });
        }
      }
    },
    async upload(place, type, parts, signal) {
      const body = Readable.from(encoded(parts), { objectMode: false, highWaterMark: 1024 * 1024 });
      const upload = new Upload({
        client: patient,
        params: { ...named(place), Body: body, ContentType: type },
        partSize: partBytes,
        queueSize: partsAtATime,
      });
      const abort = () => void upload.abort();
      signal.addEventListener('abort', abort);
      try {
        signal.throwIfAborted();
        await upload.done();
      } catch (error) {
        signal.throwIfAborted();
        throw body.errored === null ? faultOf(error, place) : body.errored;
      } finally {
        signal.removeEventListener('abort', abort);
        body.destroy();
      }
    },
    async remove({ bucket, key }) {
      for (let page = 0; page < pagesPerCall; page++) {
        const found = await asked({ bucket, key }, () =>
          client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: key })),
        );
        const keys = (found.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [{ Key }]));
        if (keys.length === 0) return true;
        const { Errors = [] } = await asked({ bucket, key }, () =>
          patient.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: keys, Quiet: true } })),
        );
        const [refused] = Errors;
        if (refused !== undefined) {
          throw unavailable({ bucket, key: refused.Key ?? key }, `the object cannot be deleted: ${refused.Message}`);
        }
        if (found.IsTruncated !== true) return true;
      }
      return false;
    },
    close() {
      client.destroy();
      patient.destroy();
    },
  };
}

async function* encoded(parts: AsyncIterable<Bytes>): AsyncGenerator<Buffer> {
  for await (const part of parts) yield toBuffer(part);
}

async function asked<Value>(place: S3Location, ask: () => Promise<Value>): Promise<Value> {
  try {
    return await ask();
  } catch (error) {
    throw faultOf(error, place);
  }
}

function faultOf(error: unknown, place: S3Location): ServiceError {
  if (error instanceof ServiceError) return error;
  const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
  const where = formatS3Location(place);
  if (status === 404)
    return new ServiceError('storage.not_found', `The object ${where} does not exist`, { cause: error });
  if (status === 401 || status === 403) {
    const message = `The object store denies this service access to ${where}; check the permissions of the credentials that the service uses`;
    return new ServiceError('storage.forbidden', message, { cause: error });
  }
  if (status === 412) return changed(place);
  const { name, code } = error as NodeJS.ErrnoException;
  return unavailable(place, status === undefined ? (code ?? name) : `it answers ${status}, ${name}`, error);
}

const changed = (place: S3Location): ServiceError =>
  new ServiceError('storage.changed', `${formatS3Location(place)} has changed since the batch was posted`);

const unavailable = (place: S3Location, why: string, cause?: unknown): ServiceError =>
  new ServiceError(
    'storage.unavailable',
    `The object store of ${formatS3Location(place)} is not available now (${why})`,
    {
      cause,
      retryAfter: 5,
    },
  );
