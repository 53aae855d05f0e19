import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';

/** An S3 server for a test, with one bucket. */
export interface TestS3 {
  /** Environment variables for a process of the service. */
  env: Record<string, string>;
  /** Returns the `s3://` address of a key in the bucket. */
  url(key: string): string;
  put(key: string, content: string | Buffer): Promise<void>;
  get(key: string): Promise<Buffer>;
  /** Deletes an object, as a lifecycle rule would. */
  delete(key: string): Promise<void>;
  keys(prefix?: string): Promise<string[]>;
  /** Kills the server with SIGKILL. Its objects remain. */
  kill(): Promise<void>;
  /** Restarts the server at the same address. */
  start(): Promise<void>;
  remove(): Promise<void>;
}

export const bucket = 'vls-test';

export async function startS3(): Promise<TestS3> {
  const directory = await mkdtemp(join(tmpdir(), 'vls-s3-'));
  let server: ChildProcess | undefined;
  let port = 0;

  async function start(): Promise<void> {
    // s3rver encrypts its page tokens with a cipher that OpenSSL has moved to its legacy provider.
    server = fork(fileURLToPath(new URL('./process.ts', import.meta.url)), [directory, String(port), bucket], {
      execArgv: ['--openssl-legacy-provider'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    [port] = (await once(server, 'message')) as [number];
  }
  async function kill(): Promise<void> {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  }

  await start();
  const endpoint = `http://127.0.0.1:${port}`;
  const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
  const client = new S3Client({ endpoint, forcePathStyle: true, region: 'us-east-1', credentials });
  return {
    env: {
      S3_ENDPOINT: endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    },
    url: (key) => `s3://${bucket}/${key}`,
    async put(key, content) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: content }));
    },
    async get(key) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    },
    async delete(key) {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    },
    async keys(prefix = '') {
      const keys: string[] = [];
      for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix })) {
        keys.push(...Contents.map(({ Key = '' }) => Key));
      }
      return keys;
    },
    kill,
    start,
    async remove() {
      client.destroy();
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
