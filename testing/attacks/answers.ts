import { randomBytes } from 'node:crypto';
import type { Attack, Hostile } from './hostile.ts';

/** Attacks that request large responses and do not read them. */

const batch = '/v1/evaluation/batch';
const itemsOfBatch = 4_000;
const bytesOfItem = 4_500;

/** Posts a batch with results of about 24 MB: every item fails at once and returns its metadata. */
async function largeResults({ post, ended }: Hostile): Promise<string | undefined> {
  const lines = Array.from({ length: itemsOfBatch }, (_, n) =>
    JSON.stringify({
      image: 'http://10.0.0.1/x.jpg',
      text: `thing ${n}`,
      metadata: { filler: randomBytes(bytesOfItem).toString('base64') },
    }),
  );
  const id = await post(lines.join('\n'), { 'content-type': 'application/x-ndjson' });
  if (id !== undefined) await ended(id);
  return id;
}

/** Returns an attack that keeps `count` connections open with requests whose responses it does not read. */
const unread =
  (count: number, path: (id: string) => string, accept: string) =>
  async (hostile: Hostile): Promise<void> => {
    const id = await largeResults(hostile);
    if (id === undefined) throw new Error('The batch with large results was refused');
    const head = `GET /evaluator${path(id)} HTTP/1.1\r\nAccept: ${accept}`;
    await hostile.hold(count, () => hostile.open(head).pause());
  };

export const answers: Attack[] = [
  {
    name: 'unread-streams',
    what: '100 result streams of 24 MB that are not read',
    run: unread(100, (id) => `${batch}/${id}/results`, 'application/x-ndjson'),
  },
  {
    name: 'unread-pages',
    what: '60 pages of results of 24 MB that are not read',
    run: unread(60, (id) => `${batch}/${id}/results?limit=10000`, 'application/json'),
  },
  {
    name: 'event-streams',
    what: '24 new event streams a second, each closed after a second',
    async run({ every, open, post, hosts }) {
      const id = await post({ items: [{ image: `${hosts.slow[0]}/small`, text: 'x' }] });
      await every(24, { atOnce: 60 }, async () => {
        const socket = open(`GET /evaluator${batch}/${id}/events HTTP/1.1\r\nAccept: text/event-stream`).resume();
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        socket.destroy();
      });
    },
  },
];
