import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startProcess, type TestProcess } from '../../../testing/processes/service.ts';
import { startRedis, type TestRedis } from '../../../testing/redis/single.ts';
import { until } from '../../../testing/until.ts';

let redis: TestRedis;
/** Without a worker: what is posted stays as it is. */
let api: TestProcess;
beforeAll(async () => {
  redis = await startRedis();
  api = await startProcess('api', { REDIS_URL: redis.url, LOG_LEVEL: 'error' });
});
afterAll(async () => {
  await api.stop();
  await redis.remove();
});

/** Cut bodies that are sent at the same time. */
const atOnce = 4;

/**
 * Posts a body on a connection of its own.
 * @param announced what its `Content-Length` says; more than there is cuts the HTTP message, and the connection then ends.
 * @returns the status of the answer, 0 when the connection ended without one.
 */
async function send(path: string, type: string, body: Buffer, announced: number): Promise<number> {
  const { hostname, port } = new URL(api.url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  const head = [
    `POST /evaluator${path} HTTP/1.1`,
    `Host: ${hostname}:${port}`,
    `Content-Type: ${type}`,
    `Content-Length: ${announced}`,
    'Connection: close',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  socket.write(body);
  if (announced > body.length) socket.end();
  let answer = '';
  socket.on('data', (data) => (answer += data.toString('latin1')));
  // A reset ends the connection, too.
  socket.on('error', () => {});
  await new Promise<void>((resolve) => {
    socket.on('end', () => socket.end());
    socket.on('close', () => resolve());
  });
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
}

/** The same, again when the service is busy: on a machine with other work any service may be. */
async function post(path: string, type: string, body: Buffer, announced = body.length): Promise<number> {
  return await until(async () => {
    const status = await send(path, type, body, announced);
    return status !== 503 && status;
  });
}

const single = '/v1/evaluation/single';
const batch = '/v1/evaluation/batch?strict=true';
const item = { image: 'x.jpg', text: 'a' };
const formType = 'multipart/form-data; boundary=B';
const part = (name: string, more: string, value: string) =>
  `--B\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;
const end = '--B--\r\n';
/** A form is whole from its last two dashes on. */
const isWholeForm = (body: string) => body.includes('--B--');
const never = () => false;

const bodies: [what: string, path: string, type: string, body: Buffer, isWhole: (prefix: string) => boolean][] = [
  [
    'a form with a file',
    single,
    formType,
    Buffer.from(part('image', '; filename="a.jpg"', 'xxxx') + part('text', '', 'a cat') + end),
    isWholeForm,
  ],
  [
    'a form whose file is its last part',
    single,
    formType,
    Buffer.from(part('text', '', 'a cat') + part('image', '; filename="a.jpg"', 'xxxx') + end),
    isWholeForm,
  ],
  [
    'an uploaded batch',
    batch,
    formType,
    Buffer.from(part('file', '; filename="a.ndjson"', JSON.stringify(item)) + end),
    isWholeForm,
  ],
  [
    'an uploaded gzip batch',
    batch,
    formType,
    Buffer.concat([
      Buffer.from('--B\r\nContent-Disposition: form-data; name="file"; filename="a.csv.gz"\r\n\r\n'),
      gzipSync('image,text\nx,a\n'),
      Buffer.from(`\r\n${end}`),
    ]),
    isWholeForm,
  ],
  ['JSON of a single', single, 'application/json', Buffer.from(JSON.stringify(item)), never],
  ['JSON of a batch', batch, 'application/json', Buffer.from(JSON.stringify({ items: [item] })), never],
  [
    'NDJSON',
    batch,
    'application/x-ndjson',
    Buffer.from(`${JSON.stringify(item)}\n${JSON.stringify(item)}\n`),
    (prefix) => prefix.split('\n').every((line) => line === '' || line.endsWith('}')),
  ],
  ['CSV', batch, 'text/csv', Buffer.from('image,text\nx,a\ny,b\n'), (prefix) => /^image,text\n.+,.*$/s.test(prefix)],
  ['gzip NDJSON', batch, 'application/x-ndjson', gzipSync(`${JSON.stringify(item)}\n`), never],
  ['gzip CSV', batch, 'text/csv', gzipSync('image,text\nx,a\n'), never],
];

test.for(bodies)(
  '%s that is cut anywhere is refused, and the process stays',
  { timeout: 300_000 },
  async ([_what, path, type, body, isWhole]) => {
    const cuts = Array.from({ length: body.length }, (_, length) => length);
    const unexpected: object[] = [];
    const cutAt = async (length: number) => {
      const prefix = body.subarray(0, length);
      const isRefused = (status: number) => status >= 400 && status < 500;
      const complete = await post(path, type, prefix);
      if (!isRefused(complete) && !isWhole(prefix.toString('latin1'))) unexpected.push({ length, complete });
      const incomplete = await post(path, type, prefix, body.length);
      if (!isRefused(incomplete) && incomplete !== 0) unexpected.push({ length, incomplete });
    };
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        for (let length = cuts.pop(); length !== undefined; length = cuts.pop()) await cutAt(length);
      }),
    );
    expect(unexpected).toEqual([]);
    expect(await pidOf()).toBe(api.pid);
  },
);

test('a form without its last boundary is refused with 400', async () => {
  const form = readFileSync(new URL('./fixtures/form-cut.bin', import.meta.url));
  expect(await post(single, formType, form)).toBe(400);
  expect(await post(batch, formType, form)).toBe(415);
  const upload = Buffer.from(form.toString('latin1').replace('a.jpg', 'a.csv'), 'latin1');
  expect(await post(batch, formType, upload)).toBe(400);
  expect(await pidOf()).toBe(api.pid);
});

/** Of the process that answers. */
async function pidOf(): Promise<number> {
  const { status } = await fetch(`${api.url}/evaluator/health/live`);
  expect(status).toBe(200);
  process.kill(api.pid, 0);
  return api.pid;
}
