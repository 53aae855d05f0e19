import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { ConfigError } from './config.ts';
import { type Connections, createConnections } from './connections.ts';
import { lingerOnClose } from './lingering-close.ts';

/** A listening HTTP server. */
export interface Listening {
  url: string;
  /** From now on, closes each connection after its response, so that clients reconnect to another process. */
  turnAway(): void;
  /** Finishes the requests in flight and accepts no more. */
  close(): Promise<void>;
}

/**
 * The time in ms without traffic after which a connection is closed, either before its first request or in the middle
 * of a request.
 */
const idleMs = 120_000;
/**
 * The time in ms for which a connection stays open after a response. It must exceed the idle time of load balancers (60
 * s in nginx and the large clouds). With Node's default of 5 s, a balancer could send a request on a connection that
 * the server is just closing, and would answer it with 502.
 */
const keepAliveMs = 75_000;
/** The default maximum number of connections. It is far more than the health probes and scrapes of a worker need. */
const fewConnections = 256;
/**
 * The time in ms for which `close` waits for a new byte of a request. A request that has not arrived completely is then
 * abandoned.
 */
const arriveMs = 2_000;
/** The maximum time in ms for which `close` waits until the requests in flight have arrived and are answered. */
const answerMs = 20_000;

/**
 * Starts an HTTP server. Resolves when it listens.
 * @param setting the environment variable that sets the port. The error names it when the port is not available.
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
      // If the response began before the close, its connection remains open. The server would wait for this connection,
      // so it is closed here.
      if (closing) setImmediate(() => server.closeIdleConnections());
    });
    if (turningAway) endConnection(response);
    handler(request, response);
  });
  connections.limit(server);
  lingerOnClose(server);
  // By default, Node ends a request that has not arrived within five minutes. The upload of a million lines may take
  // longer, while bytes keep arriving.
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
  // The URL names loopback, because clients cannot connect to a wildcard address.
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/**
 * Ends a connection. When a response has begun, the connection is reset: an HTTP/1.0 client would take an ordinary
 * close as the end of the response.
 */
function cut(socket: Socket, inFlight: ReadonlySet<ServerResponse>): void {
  for (const response of inFlight) {
    if (response.socket === socket && response.headersSent) return void socket.resetAndDestroy();
  }
  socket.destroy();
}

async function close(server: Server, inFlight: ReadonlySet<ServerResponse>, connections: Connections): Promise<void> {
  // Browsers open connections in advance. Node does not regard a connection without any request as idle, so these
  // connections are closed here.
  const cutUnused = setTimeout(() => connections.closeIdle(), arriveMs);
  // An upload may continue while bytes keep arriving. A stalled upload is ended here; otherwise the server would stay
  // open until the sender gives up.
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
