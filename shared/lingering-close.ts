import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

/** The interval in ms after which a sender without new bytes is disconnected. */
const lookMs = 2_000;
/** The maximum time in ms for reading the rest of a body. */
const mostMs = 30_000;

/**
 * Keeps a connection open after its last response while the request body still arrives, and drops the bytes. Node would
 * close it although bytes are unread. The sender of a refused upload would then get ECONNRESET or EPIPE instead of the
 * response.
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

/** Ends the writing side, and reads until the body is complete, its sender pauses, or the maximum time has passed. */
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
