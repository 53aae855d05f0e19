import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { ConfigError } from './config.ts';
import { type Connections, createConnections } from './connections.ts';
import { lingerOnClose } from './lingering-close.ts';

export interface Listening {
  url: string;
  /** From now on, closes each connection after its response, so that clients reconnect elsewhere. */
  turnAway(): void;
  /** Finishes the requests in flight and accepts no more. */
  close(): Promise<void>;
}

/** The time in ms after which a connection without traffic is closed, before or within a request. */
const idleMs = 120_000;
/**
 * The time in ms for which a connection stays open after a response. It must exceed the idle time of load balancers (60
 * s in nginx and large clouds), which otherwise send requests on closing connections and answer 502.
 */
const keepAliveMs = 75_000;
/** The default maximum number of connections: far more than probes and scrapes of a worker need. */
const fewConnections = 256;
/** The time in ms for which `close` waits for the next byte of an incomplete request. */
const arriveMs = 2_000;
/** The maximum time in ms for which `close` waits for requests in flight. */
const answerMs = 20_000;

/**
 * Starts an HTTP server. Resolves when it listens.
 * @param setting the environment variable of the port, for errors.
 * @throws {ConfigError}
 */
export async function listen(
  handler: RequestListener,
  host: string,
  port: number,
  setting: string,
  connections: Connections = createConnections(fewConnections),
): Promise<Listening> {
  const inFlight = new Set<ServerResponse>();
  let turningAway = false;
  let closing = false;
  const endConnection = (response: ServerResponse) => {
    if (!response.headersSent) response.setHeader('Connection', 'close');
  };
  const server = createServer((request, response) => {
    inFlight.add(response);
    response.on('close', () => {
      inFlight.delete(response);
      // A response that began before the close leaves its connection open, and the server would wait for it.
      if (closing) setImmediate(() => server.closeIdleConnections());
    });
    if (turningAway) endConnection(response);
    handler(request, response);
  });
  connections.limit(server);
  lingerOnClose(server);
  // Node's default ends a request after five minutes, but an upload of a million lines may take longer.
  server.requestTimeout = 0;
  server.setTimeout(idleMs, (socket) => cut(socket, inFlight));
  server.keepAliveTimeout = keepAliveMs;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(explain(error, host, port, setting)));
    server.listen(port, host, resolve);
  });
  const turnAway = () => {
    turningAway = true;
    for (const response of inFlight) endConnection(response);
  };
  return {
    url: urlOf(server, host),
    turnAway,
    async close() {
      turnAway();
      closing = true;
      await close(server, inFlight, connections);
    },
  };
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  // Clients cannot connect to a wildcard address.
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/**
 * Resets the connection once a response has begun. An HTTP/1.0 client would take an ordinary close as the end of the
 * response.
 */
function cut(socket: Socket, inFlight: ReadonlySet<ServerResponse>): void {
  for (const response of inFlight) {
    if (response.socket === socket && response.headersSent) return void socket.resetAndDestroy();
  }
  socket.destroy();
}

async function close(server: Server, inFlight: ReadonlySet<ServerResponse>, connections: Connections): Promise<void> {
  // Browsers open connections in advance. Node does not count those without any request as idle.
  const cutUnused = setTimeout(() => connections.closeIdle(), arriveMs);
  // Ends stalled uploads. Otherwise the server would stay open until their senders give up.
  const seen = new Map([...inFlight].map(({ req }) => [req.socket, req.socket.bytesRead]));
  const cutStalled = setInterval(() => {
    for (const { req } of inFlight) {
      if (req.complete) continue;
      if (req.socket.bytesRead === seen.get(req.socket)) req.socket.destroy();
      else seen.set(req.socket, req.socket.bytesRead);
    }
  }, arriveMs);
  const cutAll = setTimeout(() => {
    for (const { req } of inFlight) cut(req.socket, inFlight);
    server.closeAllConnections();
  }, answerMs);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearTimeout(cutUnused);
  clearInterval(cutStalled);
  clearTimeout(cutAll);
}

function explain(error: NodeJS.ErrnoException, host: string, port: number, setting: string): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new ConfigError(`Port ${port} on ${host} is in use; set ${setting} to another port`);
    case 'EACCES':
      return new ConfigError(`This user may not listen on port ${port}; set ${setting} to another port`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ConfigError(`${host} is not an address of this machine; set HOST to one that is`);
    default:
      return error;
  }
}
