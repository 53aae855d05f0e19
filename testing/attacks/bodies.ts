import { gzipSync } from 'node:zlib';
import type { Attack, Hostile } from './hostile.ts';

/** Attacks with bodies that are small to send but expensive to parse. */

/** Makes an object of unknown keys with about this many bytes. */
function unknownKeys(bytes: number): string {
  let text = '{"a":0';
  for (let n = 0; text.length < bytes; n++) text += `,"unknown-key-number-${n}":${n}`;
  return `${text}}`;
}
const ndjson = { 'content-type': 'application/x-ndjson' };
const gzipped = { ...ndjson, 'content-encoding': 'gzip' };
const single = '/v1/evaluation/single';
const batch = '/v1/evaluation/batch';

/** The smallest valid image: these attacks burden only the steps before decoding. */
const pixel = 'R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs=';

/** A multipart form that lacks its last boundary. */
const cutForm = '--B\r\nContent-Disposition: form-data; name="image"; filename="x"\r\n\r\nabc';
const form = { 'content-type': 'multipart/form-data; boundary=B' };

/** Announces a body of 10 MB, sends 256 KB, then closes the connection. */
async function cutUpload({ open }: Hostile): Promise<void> {
  const socket = open(
    `POST /evaluator${batch} HTTP/1.1\r\nContent-Type: application/x-ndjson\r\nContent-Length: 9999999`,
  );
  const line = `${JSON.stringify({ image: `data:image/gif;base64,${pixel}`, text: 'x'.repeat(900) })}\n`;
  socket.write(line.repeat(256));
  await new Promise((resolve) => setTimeout(resolve, 300));
  socket.destroy();
}

export const bodies: Attack[] = [
  {
    name: 'cut-forms',
    what: 'forms whose last boundary is missing',
    run: ({ every, send }) =>
      every(10, { atOnce: 8 }, async () => {
        await send(single, cutForm, form);
        await send(batch, cutForm, form);
      }),
  },
  {
    name: 'session-keys',
    what: 'sign-ins whose JSON has 3.4 MB of unknown fields',
    async run({ every, send }) {
      const body = unknownKeys(3_400_000);
      await every(1, { atOnce: 4 }, () => send('/session', body, { authorization: undefined }));
    },
  },
  {
    name: 'long-hosts',
    what: 'batches of one item whose host name has 2 MB',
    async run({ every, post }) {
      const body = gzipSync(`${JSON.stringify({ image: `http://${'a'.repeat(2_000_000)}/x`, text: 'x' })}\n`);
      await every(2, { atOnce: 4, most: 20 }, () => post(body, gzipped));
    },
  },
  {
    name: 'unknown-keys',
    what: 'NDJSON batches of four lines with 13.5 MB of unknown fields each, and their event streams',
    async run({ every, post, get }) {
      const body = gzipSync(`${unknownKeys(13_500_000)}\n`.repeat(4));
      await every(0.5, { atOnce: 2, most: 8 }, async () => {
        const id = await post(body, gzipped);
        if (id !== undefined) await get(`${batch}/${id}/events`);
      });
    },
  },
  {
    name: 'bad-lines',
    what: '1,006 bytes of gzip that expand to 500,000 unreadable items',
    async run({ every, post }) {
      const body = gzipSync('x\n'.repeat(500_000));
      await every(2, { atOnce: 4, most: 12 }, () => post(body, gzipped));
    },
  },
  {
    name: 'ampersands',
    what: 'single requests whose text is 160 KB of &amp;amp;amp;…',
    async run({ every, send }) {
      const body = JSON.stringify({ image: pixel, text: Array(8).fill(`&${'amp;'.repeat(4_999)}`) });
      await every(20, { atOnce: 8 }, () => send(single, body));
    },
  },
  {
    name: 'refusals',
    what: '100 requests a second without a key, with a path of 14 KB',
    run: ({ every, send }) =>
      every(100, { atOnce: 50 }, () => send(`/v1/${'x'.repeat(14_000)}`, '', { authorization: undefined })),
  },
  {
    name: 'gzip-bombs',
    what: '100 MB of zeros in gzip, as single requests and as batches',
    async run({ every, send, post }) {
      const body = gzipSync(Buffer.alloc(100_000_000));
      await every(3, { atOnce: 4 }, async () => {
        await send(single, body, { 'content-encoding': 'gzip' });
        await post(body, gzipped);
      });
    },
  },
  {
    name: 'cut-uploads',
    what: 'uploads of batches that are cut off after 256 KB',
    run: (hostile) => hostile.every(16, { atOnce: 8 }, () => cutUpload(hostile)),
  },
  {
    name: 'wrong-keys',
    what: 'requests with invalid API keys',
    run: ({ every, send, random }) =>
      every(15, { atOnce: 8 }, () => {
        const digits = () => Math.floor(random() * 16).toString(16);
        const key = `vls_${Array.from({ length: 12 }, digits).join('')}_${'A'.repeat(43)}`;
        return send(single, '{}', { authorization: `Bearer ${key}` });
      }),
  },
];
