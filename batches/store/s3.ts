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
import { formatS3Place, type S3Place } from '../../shared/s3-place.ts';
import type { Objects, ObjectsOptions } from './objects.ts';

const attempts = 3;
const connectMs = 2_000;
/** Until an answer begins. A sender waits for it, whose lease of 30 s must not run out: all attempts within that. */
const answerMs = 5_000;
/** The same where nobody waits: for a part of a file, or for a thousand objects at once. */
const patientAnswerMs = 60_000;
/** Between two bytes, when an answer has begun. */
const idleMs = 30_000;
/** One process asks for 32 payloads at a time, for two batches or more. */
const connections = 128;

/** A long object may take hours to read; it may break off so often without a byte in between. */
const resumes = 5;
const resumeMs = 1_000;

/** S3 takes at most 10,000 parts: so 160 GB, with two parts in memory. */
const partBytes = 16 * 1024 * 1024;
const partsAtATime = 2;

/** Pages of a thousand objects that one call removes, so that whoever asks for it does not wait for minutes. */
const pagesPerCall = 2;

/**
 * A client of an S3-compatible store. Region and credentials come from where the SDK looks for them: its environment
 * variables, its files, the role of the machine or of the pod.
 */
export function connectS3({ endpoint }: ObjectsOptions): Objects {
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
      // Others than AWS do not all know its newer checksums.
      ...(endpoint !== undefined && {
        endpoint,
        forcePathStyle: true,
        requestChecksumCalculation: 'WHEN_REQUIRED',
        responseChecksumValidation: 'WHEN_REQUIRED',
      }),
    });
  const client = clientWith(answerMs);
  const patient = clientWith(patientAnswerMs);
  const named = ({ bucket, key }: S3Place) => ({ Bucket: bucket, Key: key });

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
          // A store may not know conditions.
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
          throw unavailable({ bucket, key: refused.Key ?? key }, `it cannot be removed: ${refused.Message}`);
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

async function asked<Value>(place: S3Place, ask: () => Promise<Value>): Promise<Value> {
  try {
    return await ask();
  } catch (error) {
    throw faultOf(error, place);
  }
}

function faultOf(error: unknown, place: S3Place): ServiceError {
  if (error instanceof ServiceError) return error;
  const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
  const where = formatS3Place(place);
  if (status === 404) return new ServiceError('storage.not_found', `There is no ${where}`, { cause: error });
  if (status === 401 || status === 403) {
    const message = `The store refuses ${where} to the credentials of this service`;
    return new ServiceError('storage.forbidden', message, { cause: error });
  }
  if (status === 412) return changed(place);
  const { name, code } = error as NodeJS.ErrnoException;
  return unavailable(place, status === undefined ? (code ?? name) : `it answers ${status}, ${name}`, error);
}

const changed = (place: S3Place): ServiceError =>
  new ServiceError('storage.changed', `${formatS3Place(place)} has another content than when it was posted`);

const unavailable = (place: S3Place, why: string, cause?: unknown): ServiceError =>
  new ServiceError('storage.unavailable', `The store of ${formatS3Place(place)} cannot be used now (${why})`, {
    cause,
    retryAfter: 5,
  });
