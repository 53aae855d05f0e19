import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { benchPhotos, numbered, photosOf } from '../images/resized.ts';

/** Servers for images and webhooks, all on loopback. */
export interface Hosts {
  /**
   * A host that answers at once: `/small?n=` with an image of 0.3 megapixels, `/large?n=` with one of 20, others with
   * 404. Each n gives different bytes.
   */
  healthy: string;
  /** Hosts that answer after 15 s, which is within the download timeout. */
  slow: string[];
  /** Hosts that accept connections and never answer. */
  silent: string[];
  /** Addresses where nothing listens. */
  dead: string[];
}

const slowMs = 15_000;
const addresses = (network: number, count: number) =>
  Array.from({ length: count }, (_, at) => `127.0.${network}.${at + 1}`);
const slow = addresses(2, 8);
/** As many as the attack with webhooks uses. */
const silent = addresses(3, 96);
const dead = addresses(4, 4);

export const hostsAllowed = ['127.0.0.1', ...slow, ...silent, ...dead].join(',');

async function listen(address: string, handler: RequestListener): Promise<{ origin: string; server: Server }> {
  const server = createServer(handler);
  server.listen(0, address);
  await once(server, 'listening');
  return { origin: `http://${address}:${(server.address() as AddressInfo).port}`, server };
}

const originsOf = async (all: readonly string[], handler: RequestListener) =>
  (await Promise.all(all.map((address) => listen(address, handler)))).map(({ origin }) => origin);

async function serve(): Promise<Hosts> {
  const [small, large] = await Promise.all([benchPhotos(), photosOf(5_472, 3_648)]);
  const answer: RequestListener = (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    const n = Number(searchParams.get('n') ?? 0);
    if (pathname !== '/small' && pathname !== '/large') return void response.writeHead(404).end();
    const photos = pathname === '/large' ? large : small;
    response.writeHead(200, { 'content-type': 'image/jpeg' }).end(numbered(photos, n));
  };
  const healthy = await listen('127.0.0.1', answer);
  const dying = await Promise.all(dead.map((address) => listen(address, answer)));
  for (const { server } of dying) server.close();
  return {
    healthy: healthy.origin,
    slow: await originsOf(slow, (request, response) => void delay(slowMs).then(() => answer(request, response))),
    silent: await originsOf(silent, () => {}),
    dead: dying.map(({ origin }) => origin),
  };
}

/** `node testing/attacks/hosts.ts` runs the servers in a separate process. */
if (process.send !== undefined && process.argv[1] === import.meta.filename) {
  process.on('disconnect', () => process.exit(0));
  process.send(await serve());
}
