import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The connections of a server, of which there are so many at most. */
export interface Connections {
  /** Whether a request came on a connection beyond the bound, where only probes are to be answered. */
  isSurplus(request: IncomingMessage): boolean;
  /** Bounds the connections of this server. */
  bound(server: Server): void;
  /** Ends those on which no request is in hand. */
  endQuiet(): void;
}

/** Connections beyond the bound, which stay open until their request has come: it may be a probe, else it is refused. */
const surplusPlaces = 64;

/** Connections that share a bound. */
interface Share {
  most: number;
  open: Set<Socket>;
  /** Those on which no request is in hand, the longest quiet first. */
  quiet: Set<Socket>;
}
const createShare = (most: number): Share => ({ most, open: new Set(), quiet: new Set() });

/**
 * A server that merely accepted no more (`maxConnections`) would shut out the probes of its orchestrator, which would
 * restart it. So who is quiet longest makes room; and where everybody has a request in hand, newcomers are let in to
 * ask whether the service lives.
 * @param most connections that may have requests in hand.
 */
export function createConnections(most: number): Connections {
  const regular = createShare(most);
  const surplus = createShare(surplusPlaces);
  const requests = new Map<Socket, number>();
  const shareOf = (socket: Socket) => (surplus.open.has(socket) ? surplus : regular);

  function forget(socket: Socket): void {
    const { open, quiet } = shareOf(socket);
    open.delete(socket);
    quiet.delete(socket);
    requests.delete(socket);
  }

  /** @returns whether there is room now. */
  function makeRoom({ most, open, quiet }: Share): boolean {
    const [longestQuiet] = quiet;
    if (open.size < most) return true;
    if (longestQuiet === undefined) return false;
    forget(longestQuiet);
    longestQuiet.destroy();
    return true;
  }

  function onConnection(socket: Socket): void {
    const share = [regular, surplus].find(makeRoom);
    if (share === undefined) return void socket.destroy();
    share.open.add(socket);
    share.quiet.add(socket);
    socket.on('close', () => forget(socket));
  }

  function onRequest({ socket }: IncomingMessage, response: ServerResponse): void {
    const { open, quiet } = shareOf(socket);
    requests.set(socket, (requests.get(socket) ?? 0) + 1);
    quiet.delete(socket);
    response.on('close', () => {
      if (!open.has(socket)) return;
      const left = (requests.get(socket) ?? 1) - 1;
      requests.set(socket, left);
      if (left === 0) quiet.add(socket);
    });
  }

  return {
    isSurplus: ({ socket }) => surplus.open.has(socket),
    bound: (server) => void server.on('connection', onConnection).on('request', onRequest),
    endQuiet() {
      for (const { quiet } of [regular, surplus]) for (const socket of quiet) socket.destroy();
    },
  };
}
