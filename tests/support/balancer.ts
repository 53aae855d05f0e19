import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A balancer as simple as can be: it asks for readiness, takes turns, keeps connections, and tries nothing twice. */
export interface Balancer {
  url: string;
  /** Sends requests to this address too, once it is ready. */
  add(url: string): void;
  remove(url: string): void;
  /** Resolves once it sends requests to this address. */
  untilUsed(url: string): Promise<void>;
  /** Errors of the connections to the servers behind it. */
  faults: string[];
  close(): Promise<void>;
}

/** How often it asks for readiness, in milliseconds. */
const probeMs = 100;

export async function startBalancer(): Promise<Balancer> {
  const agent = new Agent({ keepAlive: true });
  const probing = new Map<string, NodeJS.Timeout>();
  const ready = new Set<string>();
  const faults: string[] = [];
  const waiting = new Map<string, () => void>();
  let turn = 0;

  function probe(url: string): void {
    const asked = request(`${url}/evaluator/health/ready`, { timeout: 2_000, agent: false }, (answer) => {
      answer.resume();
      // A probe may be answered after its server was removed.
      if (answer.statusCode === 200 && probing.has(url)) {
        ready.add(url);
        waiting.get(url)?.();
      } else ready.delete(url);
    });
    asked.on('error', () => ready.delete(url));
    asked.end();
  }

  function forward(incoming: IncomingMessage, response: ServerResponse): void {
    const urls = [...ready];
    const url = urls[turn++ % urls.length];
    const fail = (reason: string) => {
      faults.push(`${incoming.method} ${incoming.url}: ${reason}`);
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end();
    };
    if (url === undefined) {
      fail('nobody is ready');
      return;
    }
    const { method = 'GET', headers } = incoming;
    const outgoing = request(`${url}${incoming.url}`, { method, headers, agent }, (answer) => {
      // These are about the connection to the server. A client would keep its own for as long as the server keeps that one.
      const { connection: _connection, 'keep-alive': _keepAlive, ...answered } = answer.headers;
      response.writeHead(answer.statusCode ?? 502, answered);
      answer.on('error', (error) => fail(error.message));
      answer.pipe(response);
    });
    outgoing.on('error', (error) => fail(`${url}: ${error.message}`));
    response.on('close', () => {
      if (!response.writableFinished) outgoing.destroy();
    });
    incoming.pipe(outgoing);
  }

  const server = createServer({ keepAliveTimeout: 75_000 }, forward);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const remove = (url: string) => {
    clearInterval(probing.get(url));
    probing.delete(url);
    ready.delete(url);
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    faults,
    add(url) {
      probing.set(
        url,
        setInterval(() => probe(url), probeMs),
      );
      probe(url);
    },
    remove,
    untilUsed: (url) =>
      new Promise((resolve) => {
        if (ready.has(url)) return resolve();
        waiting.set(url, () => {
          waiting.delete(url);
          resolve();
        });
      }),
    async close() {
      for (const url of [...probing.keys()]) remove(url);
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
