import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * The interval in ms between two checks for new bytes. A sender is disconnected if no byte has arrived since the last
 * check.
 */
const lookMs = 2_000;
/** The maximum time in ms for which the server reads the rest of a request body. */
const mostMs = 30_000;

/**
 * Keeps a connection open after its last response while the body of the request is still arriving, and drops the bytes.
 * Node would close such a connection at once, although it has unread bytes. The kernel then resets it, and a sender
 * that is still writing gets ECONNRESET or EPIPE instead of the response. Refused uploads are affected, and every
 * request that a stopping server refuses.
 */
export function lingerOnClose(server: Server): void {
  const latest = new WeakMap<Socket, IncomingMessage>();
  server.on('connection', (socket: Socket) => {
    const closeSoon = socket.destroySoon.bind(socket);
    // Node calls `destroySoon` after the last response of a connection.
    socket.destroySoon = () => {
      const request = latest.get(socket);
      if (request === undefined || request.complete || request.destroyed) closeSoon();
      else dropRest(socket, request);
    };
  });
  server.on('request', (request: IncomingMessage) => latest.set(request.socket, request));
}

/**
 * Ends the writing side of the connection, and reads until the body is complete, its sender pauses, or the maximum time
 * has passed.
 */
function dropRest(socket: Socket, request: IncomingMessage): void {
  const endsAt = performance.now() + mostMs;
  let seen = socket.bytesRead;
  const look = setInterval(() => {
    if (socket.bytesRead === seen || performance.now() >= endsAt) socket.destroy();
    seen = socket.bytesRead;
  }, lookMs).unref();
  socket.once('close', () => clearInterval(look));
  request.once('end', () => socket.destroySoon());
  request.resume();
  socket.end();
}
