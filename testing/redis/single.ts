import { join } from 'node:path';
import { durable, startServer, type TestServer } from './server.ts';

/** A Redis for a test: one server on a unix socket, durable as in production. */
export interface TestRedis extends TestServer {
  url: string;
}

export async function startRedis(): Promise<TestRedis> {
  let url = '';
  const server = await startServer(
    (directory) => {
      url = join(directory, 'redis.sock');
      return { ...durable, port: '0', unixsocket: url };
    },
    () => ({ path: url }),
  );
  return { ...server, url };
}
