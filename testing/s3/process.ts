import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';

/** The package s3rver has no types. */
interface S3rver {
  run(): Promise<AddressInfo>;
  /** Set after a call of `run`. */
  httpServer: Server;
}
type S3rverClass = new (options: {
  address: string;
  port: number;
  directory: string;
  silent: boolean;
  vhostBuckets: boolean;
  allowMismatchedSignatures: boolean;
  configureBuckets: { name: string; configs: string[] }[];
}) => S3rver;

/** An S3 server as a separate process: `process.ts DIRECTORY PORT BUCKET`. Its first IPC message is its port. */
const [directory = '', port = '0', bucket = ''] = process.argv.slice(2);
const Rover = createRequire(import.meta.url)('@20minutes/s3rver') as S3rverClass;
const server = new Rover({
  address: '127.0.0.1',
  port: Number(port),
  directory,
  silent: true,
  vhostBuckets: false,
  // s3rver cannot verify the signatures of list and delete requests. Unknown keys are still refused.
  allowMismatchedSignatures: true,
  configureBuckets: [{ name: bucket, configs: [] }],
});
process.once('disconnect', () => process.exit(0));
const { port: bound } = await server.run();
// After the default of 5 s, s3rver could close a connection that a client on a busy machine is about to use.
server.httpServer.keepAliveTimeout = 600_000;
process.send?.(bound);
