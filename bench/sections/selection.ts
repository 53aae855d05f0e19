import { createBatchEngine } from '../../batches/engine.ts';
import { digestBytes } from '../../batches/store/image-digests.ts';
import { bytesPerEntry } from '../../batches/store/score-index.ts';
import { createLogger } from '../../shared/log.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import { connectRedis, whenConnected } from '../../shared/redis.ts';
import { readable } from '../../testing/readable.ts';
import { startRedis } from '../../testing/redis/single.ts';
import { type Figure, figure, most } from '../figures.ts';
import { type Engine, scoreOf, storeBatch, tenant } from '../stored-batch.ts';

const comparedPages = 3;
const rounds = 10;

type Query = Parameters<ReturnType<typeof createBatchEngine>['batches']['results']>[2];

interface Times {
  first: number;
  median: number;
}

const range = { sort: '-score', minScore: 20, maxScore: 35 } as const;
/** The queries that must be answered within 200 ms, from the score index alone. */
const limited = new Set(['page', 'lowest', 'top']);
const queries: readonly [name: string, words: string, query: Query][] = [
  ['page', 'filtered, sorted page of 100', { ...range, limit: 100 }],
  ['long-page', 'filtered, sorted page of 1,000', { ...range, limit: 1_000 }],
  ['lowest', 'page of the 100 lowest', { sort: 'score', limit: 100 }],
  ['top', 'first 100 of the best 30 %', { sort: '-score', top: { share: 0.3 }, limit: 100 }],
  ['text', 'page of 100 that contain a text', { ...range, q: 'number 1', limit: 100 }],
  ['distinct', 'page of 100 with one item of each image', { ...range, distinct: 'image', limit: 100 }],
];

/** Measures the time to read pages of a filtered and sorted selection, and the sizes of score index and payloads. */
export async function benchSelection(items: number, say: (line: string) => void): Promise<Figure[]> {
  const server = await startRedis();
  const log = await createLogger({ name: 'bench', level: 'silent' });
  const redis = connectRedis(server.url, 'producer', log);
  const monitor = server.connect();
  await whenConnected(redis, 10_000);
  await monitor.config('SET', 'appendonly', 'no');
  const engine = createBatchEngine({ redis, profiles: () => ['compact'], retentionHours: 1, storage: {}, log });
  try {
    say(`selection: ${readable(items)} items are posted and committed`);
    // Every tenth item has the same image as an earlier item.
    const id = await storeBatch(engine, redis, {
      count: items,
      imageOf: (index) => `https://example.org/${index}.jpg`,
      contentOf: (index) => String(index % 10 === 3 ? index - 3 : index),
      cosineOf,
    });

    const { offsets, scores } = batchKeys(redis, id);
    const keys = [offsets, ...(await monitor.keys(scores(0).replace(/0$/, '*')))];
    const sizes = await Promise.all(keys.map((key) => monitor.call('MEMORY', 'USAGE', key)));
    const bytes = sizes.reduce<number>((sum, size) => sum + Number(size), 0);

    const record = await redis.hmget(batchKeys(redis, id).batch, 'inputBytes', 'outputBytes');
    const [inputBytes = 0, outputBytes = 0] = record.map(Number);
    const indexed = items * bytesPerEntry + 4 * Number(await redis.hget(batchKeys(redis, id).batch, 'chunks'));

    /** Measures ten reads of a page, the first by an engine that has not read the batch. */
    const timed = async (query: Query): Promise<Times> => {
      const reader = createBatchEngine({ redis, profiles: () => ['compact'], retentionHours: 1, storage: {}, log });
      const times: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const start = performance.now();
        await reader.batches.results(tenant, id, query);
        times.push(performance.now() - start);
      }
      await reader.close();
      const [first = 0, ...later] = times;
      return { first, median: later.sort((one, other) => one - other)[later.length >> 1] ?? 0 };
    };
    say('selection: pages are read');
    const figures: Figure[] = [];
    for (const [name, words, query] of queries) {
      const { first, median } = await timed(query);
      const size = `${readable(items)} items`;
      const target = limited.has(name) ? most(200) : undefined;
      figures.push(
        figure(
          `selection/${name}-first-${items}`,
          `${words}, first request of a process, ${size}`,
          first,
          'ms',
          '',
          target,
        ),
        figure(`selection/${name}-${items}`, 'the same, later requests', median, 'ms', '', target),
      );
    }
    await expectPlainSort(engine, id, items);
    const size = `${readable(items)} items`;
    const stored = (inputBytes + outputBytes - indexed) / items;
    return [
      figure(
        `selection/bytes-${items}`,
        `index of scores in Redis, ${size}`,
        bytes / items,
        'bytes an item',
        `${keys.length} keys`,
        most(8),
      ),
      figure(
        `selection/payload-bytes-${items}`,
        'items and results in the payload store',
        stored,
        'bytes an item',
        `including ${digestBytes} for the hash of the image`,
      ),
      ...figures,
    ];
  } finally {
    await engine.close();
    monitor.disconnect();
    redis.disconnect();
    await server.remove();
  }
}

/** The cosine of an item. Every twentieth item has failed. */
const cosineOf = (index: number): number | undefined =>
  index % 20 === 7 ? undefined : Math.round(((index * 7_919) % 400_009) - 50_000) / 1e6;

/** Checks the first pages of a selection against a sorted array of all scores. @throws {Error} when they differ. */
async function expectPlainSort({ batches }: Engine, id: string, items: number): Promise<void> {
  const scores = Array.from({ length: items }, (_, index) => cosineOf(index)).map((cosine) =>
    cosine === undefined ? undefined : scoreOf(cosine),
  );
  const wanted = scores
    .flatMap((score, index) => (score !== undefined && score >= 20 && score <= 35 ? [{ index, score }] : []))
    .sort((a, b) => b.score - a.score || a.index - b.index);
  let seen = 0;
  let cursor: string | undefined;
  for (let page = 0; page < comparedPages; page++) {
    const query = { sort: '-score', minScore: 20, maxScore: 35, limit: 10_000, ...(cursor && { cursor }) } as const;
    const { results, next, selected } = await batches.results(tenant, id, query);
    if (selected !== wanted.length) throw new Error(`${selected} items were selected; expected ${wanted.length}`);
    for (const { index } of results) {
      if (wanted[seen]?.index !== index)
        throw new Error(`Result ${seen} is item ${index}; expected item ${wanted[seen]?.index}`);
      seen++;
    }
    if (next === null) break;
    cursor = next;
  }
}
