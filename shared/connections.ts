import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Limits the number of open connections of a server. */
export interface Connections {
  /**
   * Returns true if the request came on a surplus connection. The server accepts a surplus connection when it has the
   * maximum number of connections and each of them has a request in flight.
   */
  isSurplus(request: IncomingMessage): boolean;
  /** Applies the limit to this server. */
  limit(server: Server): void;
  /** Closes the connections without a request in flight. */
  closeIdle(): void;
}

/**
 * The maximum number of surplus connections. Each stays open until its request arrives, because the request may be a
 * health probe, or come from a tenant with few connections.
 */
const surplusConnections = 256;

/** The regular connections or the surplus connections. Each of the two sets has its own maximum. */
interface Share {
  most: number;
  open: Set<Socket>;
  /** The connections without a request in flight, by client address. The longest idle comes first. */
  idle: Map<string, Set<Socket>>;
}
const createShare = (most: number): Share => ({ most, open: new Set(), idle: new Map() });

/**
 * Creates a limit that closes idle connections. Node's `maxConnections` refuses new connections instead. It would also
 * refuse the probes of the orchestrator, which would then restart the process.
 *
 * When the maximum is reached, the client address with the most idle connections loses the one that has been idle
 * longest. So an address that opens thousands of connections loses its own. If every connection has a request in
 * flight, surplus connections are accepted, for probes.
 * @param most the maximum number of regular connections.
 */
export function createConnections(most: number): Connections {
  const regular = createShare(most);
  const surplus = createShare(surplusConnections);
  const requests = new Map<Socket, number>();
  /** The client address of each socket. It is stored here because a closed socket has no address. */
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
   * Returns the connection that has been idle longest, of the client address with the most idle connections. The new
   * connection counts as an idle connection of its address.
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
   * Makes space for a new connection: if the maximum is reached, closes an idle one. @returns false if every connection
   * has a request in flight.
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
