import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

/** How often the server looks for bytes, in ms. A sender that pauses for two looks is disconnected. */
const lookMs = 2_000;
/** The time in ms that a sender gets at most. */
const mostMs = 30_000;

/**
 * Keeps a connection open for reading after a response that closes it, while the body of its request still arrives. The
 * bytes are dropped. Node closes such a connection at once, with unread bytes: the kernel then resets it, and a sender that
 * is still writing gets ECONNRESET or EPIPE in place of its response. That hits refused uploads, and every request that a
 * stopping server refuses.
 */
export function lingerOnClose(server: Server): void {
  const latest = new WeakMap<Socket, IncomingMessage>();
  server.on('connection', (socket: Socket) => {
    const closeSoon = socket.destroySoon.bind(socket);
    // Node calls it after the last response of a connection.
    socket.destroySoon = () => {
      const request = latest.get(socket);
      if (request === undefined || request.complete || request.destroyed) closeSoon();
      else dropRest(socket, request);
    };
  });
  server.on('request', (request: IncomingMessage) => latest.set(request.socket, request));
}

/** Ends the connection for writing, and reads until the body is complete, its sender pauses, or its time is up. */
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
