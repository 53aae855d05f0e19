import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Limits the number of open connections of a server. */
export interface Connections {
  /**
   * Returns true if the request arrived on a surplus connection. The server accepts a surplus connection when the
   * maximum number of connections is open and all of them have a request in flight.
   */
  isSurplus(request: IncomingMessage): boolean;
  /** Applies the limit to this server. */
  limit(server: Server): void;
  /** Closes all connections that have no request in flight. */
  closeIdle(): void;
}

/**
 * The maximum number of surplus connections. Each stays open until its request has arrived, because the request may be
 * a health probe, or may come from a tenant with few connections.
 */
const surplusConnections = 256;

/** One of two sets of connections, regular or surplus. Each set has its own maximum. */
interface Share {
  most: number;
  open: Set<Socket>;
  /**
   * The connections without a request in flight, by client address. Within an address, the connection that has been
   * idle longest comes first.
   */
  idle: Map<string, Set<Socket>>;
}
const createShare = (most: number): Share => ({ most, open: new Set(), idle: new Map() });

/**
 * Creates a limit on connections. When the maximum is reached, it closes an idle connection: the client address with
 * the most idle connections loses the one that has been idle longest. An address that opens thousands of connections
 * therefore loses its own.
 *
 * When every connection has a request in flight, surplus connections are accepted, for probes. Node's `maxConnections`
 * would refuse all new connections instead. The probes of the orchestrator would then fail, and it would restart the
 * process.
 * @param most the maximum number of regular connections.
 */
export function createConnections(most: number): Connections {
  const regular = createShare(most);
  const surplus = createShare(surplusConnections);
  const requests = new Map<Socket, number>();
  /** The client address of each socket, stored because a closed socket no longer has one. */
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

  /**
   * Returns the connection that has been idle longest, among those of the client address with the most idle
   * connections. The new connection counts as an idle connection of its own address.
   */
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
   * Closes an idle connection if the maximum is reached, so that a new connection can be accepted. @returns false if
   * every connection has a request in flight.
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
