import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { ConfigError } from './config.ts';
import { type Connections, createConnections } from './connections.ts';

/** A listening HTTP server. */
export interface Listening {
  url: string;
  /** From now on every answer ends its connection, so that those who keep theirs go elsewhere with their next request. */
  turnAway(): void;
  /** Finishes the requests in hand and takes no more. */
  close(): Promise<void>;
}

/** A connection on which nothing moves for so long is closed, in milliseconds. */
const idleMs = 120_000;
/**
 * A connection between two requests is kept for longer than balancers keep theirs (nginx and the large clouds: 60 s),
 * in milliseconds. With Node's 5 s a request may be sent on a connection that is just being closed, and the balancer has
 * nothing to answer with but 502.
 */
const keepAliveMs = 75_000;
/** Connections of a server that does not say how many: far more than its few readers need. */
const fewConnections = 256;
/** After a close: for requests to arrive whole, and for their answers, in milliseconds. */
const arriveMs = 2_000;
const answerMs = 20_000;

/**
 * Resolves once the server listens.
 * @param setting the environment variable that carries the port, for the message when it cannot be had.
 * @throws {ConfigError}
 */
export async function listen(
  handler: RequestListener,
  host: string,
  port: number,
  setting: string,
  connections: Connections = createConnections(fewConnections),
): Promise<Listening> {
  const inHand = new Set<ServerResponse>();
  let turningAway = false;
  let closing = false;
  const endConnection = (response: ServerResponse) => {
    if (!response.headersSent) response.setHeader('Connection', 'close');
  };
  const server = createServer((request, response) => {
    inHand.add(response);
    response.on('close', () => {
      inHand.delete(response);
      // An answer that had begun before leaves its connection open, and the server would wait for that.
      if (closing) setImmediate(() => server.closeIdleConnections());
    });
    if (turningAway) endConnection(response);
    handler(request, response);
  });
  connections.bound(server);
  // Node ends every request after five minutes; an upload of a million lines may take longer, and must only keep moving.
  server.requestTimeout = 0;
  server.setTimeout(idleMs, (socket) => cut(socket, inHand));
  server.keepAliveTimeout = keepAliveMs;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(explain(error, host, port, setting)));
    server.listen(port, host, resolve);
  });
  const turnAway = () => {
    turningAway = true;
    for (const response of inHand) endConnection(response);
  };
  return {
    url: urlOf(server, host),
    turnAway,
    async close() {
      turnAway();
      closing = true;
      await close(server, inHand, connections);
    },
  };
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  // A wildcard is no address to connect to.
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/**
 * Ends a connection. An answer that has begun is ended by a reset: an HTTP/1.0 reader takes any other end for the end of
 * the answer.
 */
function cut(socket: Socket, inHand: ReadonlySet<ServerResponse>): void {
  for (const response of inHand) {
    if (response.socket === socket && response.headersSent) return void socket.resetAndDestroy();
  }
  socket.destroy();
}

async function close(server: Server, inHand: ReadonlySet<ServerResponse>, connections: Connections): Promise<void> {
  // A request that has not arrived by then would be waited for in vain.
  const cutIncomplete = setTimeout(() => {
    for (const { req } of inHand) if (!req.complete) req.socket.destroy();
    // Browsers open connections before they need them; Node does not count one without a first request as idle.
    connections.endQuiet();
  }, arriveMs);
  const cutAll = setTimeout(() => {
    for (const { req } of inHand) cut(req.socket, inHand);
    server.closeAllConnections();
  }, answerMs);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearTimeout(cutIncomplete);
  clearTimeout(cutAll);
}

function explain(error: NodeJS.ErrnoException, host: string, port: number, setting: string): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new ConfigError(`Port ${port} on ${host} is in use; ${setting} chooses another`);
    case 'EACCES':
      return new ConfigError(`Port ${port} needs more rights than this user has; ${setting} chooses another`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ConfigError(`${host} is no address of this machine; HOST chooses another`);
    default:
      return error;
  }
}
