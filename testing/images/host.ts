import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const photos = new URL('../../examples/photos/', import.meta.url);

/** The captions of the example photos, by file name. */
export const captions = JSON.parse(readFileSync(new URL('captions.json', photos), 'utf8')) as Record<string, string>;
export const photoNames = Object.keys(captions);
export const readPhoto = (name: string): Buffer => readFileSync(new URL(name, photos));

/** An image server with the example photos, which can imitate faults of image hosts. */
export interface ImageHost {
  /** The host and port, for IMAGE_HOSTS_ALLOW. */
  authority: string;
  /**
   * Returns the URL of a path: the name of a photo, `missing.jpg` (404), `truncated.jpg` or `text.jpg`. `later/<name>`
   * is answered with 503 while `failing` is true, `held/<name>` only after `release`.
   */
  url(path: string): string;
  requests: number;
  /** While true, the server answers paths below `later/` with 503. */
  failing: boolean;
  latencyMs: number;
  /**
   * Answers the requests below `held/` that wait, and later ones until `hold`. Before, a batch with such an image does
   * not end.
   */
  release(): void;
  /** Lets requests below `held/` wait again. */
  hold(): void;
  close(): Promise<void>;
}

export async function startImageHost(): Promise<ImageHost> {
  let held = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    host.requests++;
    const path = decodeURIComponent((request.url ?? '/').slice(1).split('?', 1)[0] ?? '');
    if (path.startsWith('held/')) void held.promise.then(() => serve(path.slice('held/'.length), response));
    else setTimeout(() => serve(path, response), host.latencyMs);
  });
  function serve(path: string, response: ServerResponse): void {
    if (path.startsWith('later/') && host.failing) return void response.writeHead(503).end();
    const name = path.replace(/^later\//, '');
    if (name === 'truncated.jpg') return void response.end(readPhoto('coffee.jpg').subarray(0, 20_000));
    if (name === 'text.jpg') return void response.end('This is not an image.');
    if (!photoNames.includes(name)) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': 'image/jpeg' }).end(readPhoto(name));
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const authority = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const host: ImageHost = {
    authority,
    url: (path) => `http://${authority}/${path}`,
    requests: 0,
    failing: false,
    latencyMs: 0,
    release: () => held.resolve(),
    hold() {
      held = Promise.withResolvers<void>();
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return host;
}
