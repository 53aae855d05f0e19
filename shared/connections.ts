import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The connections of a server, of which there are so many at most. */
export interface Connections {
  /** Whether a request came on a connection beyond the bound: every other has a request in flight. */
  isSurplus(request: IncomingMessage): boolean;
  /** Bounds the connections of this server. */
  bound(server: Server): void;
  /** Ends those on which no request is in flight. */
  endQuiet(): void;
}

/**
 * Connections beyond the bound, which stay open until their request has come: it may be a probe, or come from a tenant
 * that has few.
 */
const surplusPlaces = 256;

/** Connections that share a bound. */
interface Share {
  most: number;
  open: Set<Socket>;
  /** Those without a request in flight, by the address they come from; the longest quiet first. */
  quiet: Map<string, Set<Socket>>;
}
const createShare = (most: number): Share => ({ most, open: new Set(), quiet: new Map() });

/**
 * A server that merely accepted no more (`maxConnections`) would shut out the probes of its orchestrator, which would
 * restart it. So a quiet connection makes room: the longest quiet of the address that has most of them, so that an address
 * which opens thousands closes its own. Where every connection has a request in flight, newcomers are let in to ask
 * whether the service lives.
 * @param most connections that may have requests in flight.
 */
export function createConnections(most: number): Connections {
  const regular = createShare(most);
  const surplus = createShare(surplusPlaces);
  const requests = new Map<Socket, number>();
  /** A socket that has been closed does not know its address any more. */
  const addresses = new Map<Socket, string>();
  const shareOf = (socket: Socket) => (surplus.open.has(socket) ? surplus : regular);

  function addQuiet({ quiet }: Share, socket: Socket): void {
    const address = addresses.get(socket) ?? '';
    const known = quiet.get(address) ?? new Set();
    quiet.set(address, known.add(socket));
  }

  function removeQuiet({ quiet }: Share, socket: Socket): void {
    const address = addresses.get(socket) ?? '';
    const known = quiet.get(address);
    if (known?.delete(socket) && known.size === 0) quiet.delete(address);
  }

  function forget(socket: Socket): void {
    const share = shareOf(socket);
    removeQuiet(share, socket);
    share.open.delete(socket);
    requests.delete(socket);
    addresses.delete(socket);
  }

  /** The longest quiet of the address that has most of them, the newcomer counted in. */
  function longestQuiet({ quiet }: Share, newcomer: string): Socket | undefined {
    let [largest, most] = [new Set<Socket>(), 0];
    for (const [address, sockets] of quiet) {
      const size = sockets.size + (address === newcomer ? 1 : 0);
      if (size > most) [largest, most] = [sockets, size];
    }
    const [first] = largest;
    return first;
  }

  /** @returns whether there is room now. */
  function makeRoom(share: Share, newcomer: string): boolean {
    if (share.open.size < share.most) return true;
    const socket = longestQuiet(share, newcomer);
    if (socket === undefined) return false;
    forget(socket);
    socket.destroy();
    return true;
  }

  function onConnection(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const share = [regular, surplus].find((one) => makeRoom(one, address));
    if (share === undefined) return void socket.destroy();
    addresses.set(socket, address);
    share.open.add(socket);
    addQuiet(share, socket);
    socket.on('close', () => forget(socket));
  }

  function onRequest({ socket }: IncomingMessage, response: ServerResponse): void {
    const share = shareOf(socket);
    requests.set(socket, (requests.get(socket) ?? 0) + 1);
    removeQuiet(share, socket);
    response.on('close', () => {
      if (!share.open.has(socket)) return;
      const left = (requests.get(socket) ?? 1) - 1;
      requests.set(socket, left);
      if (left === 0) addQuiet(share, socket);
    });
  }

  return {
    isSurplus: ({ socket }) => surplus.open.has(socket),
    bound: (server) => void server.on('connection', onConnection).on('request', onRequest),
    endQuiet() {
      for (const { quiet } of [regular, surplus]) {
        for (const socket of [...quiet.values()].flatMap((sockets) => [...sockets])) socket.destroy();
      }
    },
  };
}
