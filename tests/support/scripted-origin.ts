import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** An HTTP server that ends with the test which started it. */
export interface ScriptedOrigin {
  /** `address:port`, as it stands in a URL. */
  host: string;
  /** `http://address:port` */
  url: string;
  /** Every request so far, oldest first. */
  requests: IncomingMessage[];
  /** Every connection so far. */
  connections: Socket[];
}

export async function scriptedOrigin(handler: RequestListener, address = '127.0.0.1'): Promise<ScriptedOrigin> {
  const requests: IncomingMessage[] = [];
  const connections: Socket[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    handler(request, response);
  });
  server.on('connection', (socket) => connections.push(socket));
  server.listen(0, address);
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const host = `${address.includes(':') ? `[${address}]` : address}:${port}`;
  return { host, url: `http://${host}`, requests, connections };
}
