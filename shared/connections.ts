import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Limits the open connections of a server. */
export interface Connections {
  /** Returns true on a surplus connection: one that was accepted when all regular ones had a request in flight. */
  isSurplus(request: IncomingMessage): boolean;
  limit(server: Server): void;
  closeIdle(): void;
}

/**
 * The maximum number of connections above the regular limit. The service reads the request on such a
 * connection before it decides: it answers health probes and tenants with few connections, and refuses all others.
 */
const surplusConnections = 256;

/** One of two sets of connections, regular or surplus, with its own maximum. */
interface Share {
  most: number;
  open: Set<Socket>;
  /** Connections without a request in flight, by client address; the longest idle first. */
  idle: Map<string, Set<Socket>>;
}
const createShare = (most: number): Share => ({ most, open: new Set(), idle: new Map() });

/**
 * Creates a limit on connections. At the maximum, the client address with the most idle connections loses its longest
 * idle one, so that an address that opens thousands loses its own.
 *
 * Surplus connections are accepted when every other has a request in flight. Node's `maxConnections` would refuse them,
 * and an orchestrator whose probes fail would restart the process.
 * @param most the maximum number of regular connections.
 */
export function createConnections(most: number): Connections {
  const regular = createShare(most);
  const surplus = createShare(surplusConnections);
  const requests = new Map<Socket, number>();
  /** Stored because a closed socket no longer has an address. */
  const addresses = new Map<Socket, string>();
  const shareOf = (socket: Socket) => (surplus.open.has(socket) ? surplus : regular);

  function addIdle({ idle }: Share, socket: Socket): void {
    const address = addresses.get(socket) ?? '';
    const known = idle.get(address) ?? new Set();
    idle.set(address, known.add(socket));
  }

  function removeIdle({ idle }: Share, socket: Socket): void {
    const address = addresses.get(socket) ?? '';
    const known = idle.get(address);
    if (known?.delete(socket) && known.size === 0) idle.delete(address);
  }

  function forget(socket: Socket): void {
    const share = shareOf(socket);
    removeIdle(share, socket);
    share.open.delete(socket);
    requests.delete(socket);
    addresses.delete(socket);
  }

  /** Returns the longest idle connection of the address with the most idle ones. The new connection counts as idle. */
  function longestIdle({ idle }: Share, newcomer: string): Socket | undefined {
    let [largest, most] = [new Set<Socket>(), 0];
    for (const [address, sockets] of idle) {
      const size = sockets.size + (address === newcomer ? 1 : 0);
      if (size > most) [largest, most] = [sockets, size];
    }
    const [first] = largest;
    return first;
  }

  /**
   * Closes an idle connection if the maximum is reached. @returns false if every connection has a request in flight.
   */
  function makeRoom(share: Share, newcomer: string): boolean {
    if (share.open.size < share.most) return true;
    const socket = longestIdle(share, newcomer);
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
    addIdle(share, socket);
    socket.on('close', () => forget(socket));
  }

  function onRequest({ socket }: IncomingMessage, response: ServerResponse): void {
    const share = shareOf(socket);
    requests.set(socket, (requests.get(socket) ?? 0) + 1);
    removeIdle(share, socket);
    response.on('close', () => {
      if (!share.open.has(socket)) return;
      const left = (requests.get(socket) ?? 1) - 1;
      requests.set(socket, left);
      if (left === 0) addIdle(share, socket);
    });
  }

  return {
    isSurplus: ({ socket }) => surplus.open.has(socket),
    limit: (server) => void server.on('connection', onConnection).on('request', onRequest),
    closeIdle() {
      for (const { idle } of [regular, surplus]) {
        for (const socket of [...idle.values()].flatMap((sockets) => [...sockets])) socket.destroy();
      }
    },
  };
}
