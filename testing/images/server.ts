import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { benchPhotos, numbered, photosOf } from './resized.ts';

/**
 * An image server: `node testing/images/server.ts LATENCY_MS even|mixed`. Each query gets a JPEG with unique bytes, of
 * 0.3 megapixels (`even`) or 0.05 to 0.3 (`mixed`). Its CPU time does not count as the benchmark's.
 */
const [latencyMs = '0', sizes = 'even'] = process.argv.slice(2);
const mixedSizes = [
  [256, 224],
  [320, 240],
  [480, 360],
  [640, 480],
] as const;
const photos =
  sizes === 'even'
    ? await benchPhotos()
    : (await Promise.all(mixedSizes.map(([width, height]) => photosOf(width, height)))).flat();

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const index = Number(url.searchParams.get('n') ?? 0);
  const bytes = numbered(photos, index);
  const send = () =>
    response.writeHead(200, { 'content-type': 'image/jpeg', 'content-length': bytes.length }).end(bytes);
  if (Number(latencyMs) > 0) void delay(Number(latencyMs)).then(send);
  else send();
});
server.listen(0, '127.0.0.1', () =>
  process.send?.({ authority: `127.0.0.1:${(server.address() as AddressInfo).port}` }),
);
process.on('disconnect', () => process.exit(0));
