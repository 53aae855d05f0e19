import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import sharp from 'sharp';

/**
 * Serves pictures of 0.3 megapixels, a different one for every query: the bytes differ, the work of decoding does not.
 * `node bench/image-server.ts [latency in ms]`; a process of its own, so that its CPU time can be told apart.
 */
const latencyMs = Number(process.argv[2] ?? 0);
const photos = ['chelsea', 'coffee', 'rocket', 'hopper', 'nagasaki', 'alpine'];
const pictures = await Promise.all(
  photos.map((name) => {
    const path = new URL(`../examples/photos/${name}.jpg`, import.meta.url).pathname;
    return sharp(path).resize(640, 480, { fit: 'cover' }).jpeg({ quality: 85 }).toBuffer();
  }),
);

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const index = Number(url.searchParams.get('n') ?? 0);
  const picture = pictures[index % pictures.length] ?? Buffer.alloc(0);
  // What follows the end marker is not read by a decoder, and makes the file another one.
  const bytes = Buffer.concat([picture, Buffer.from(String(index))]);
  const send = () =>
    response.writeHead(200, { 'content-type': 'image/jpeg', 'content-length': bytes.length }).end(bytes);
  if (latencyMs > 0) void delay(latencyMs).then(send);
  else send();
});
server.listen(0, '127.0.0.1', () =>
  process.send?.({
    authority: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    bytes: pictures.map(({ length }) => length),
  }),
);
process.on('disconnect', () => process.exit(0));
