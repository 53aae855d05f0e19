import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { captions, photoNames } from '../../../testing/images/host.ts';
import { tinyClipFolder } from '../../../testing/model-folders.ts';
import { useApiAndWorker } from '../../support/running-service.ts';

const directory = mkdtempSync(join(tmpdir(), 'vls-same-'));
const overlay = join(directory, 'models.json');
writeFileSync(overlay, JSON.stringify({ models: { tiny: { source: { type: 'folder', path: tinyClipFolder } } } }));
afterAll(() => rmSync(directory, { recursive: true }));

/** Each with encoders of its own, and micro-batches of eight. */
const running = useApiAndWorker(() => ({
  MODELS_FILE: overlay,
  MODEL: 'tiny',
  MICRO_BATCH: '8',
  EMBEDDING_CACHE_MB: '0',
  LOG_LEVEL: 'error',
}));

interface Scores {
  results: { text: string; cosine: number }[];
}

const texts = Object.values(captions);
const pairs = photoNames.flatMap((photo) => texts.map((text) => ({ photo, text })));

async function batchCosines(order: readonly { photo: string; text: string }[]): Promise<Map<string, number>> {
  const items = order.map(({ photo, text }) => ({ image: running.host.url(photo), text, id: `${photo} ${text}` }));
  const { body } = await running.client.batch.post(items);
  expect(await running.client.batch.finished(body.id)).toMatchObject({ state: 'completed' });
  const results = await running.client.batch.results(body.id);
  return new Map(results.map((result) => [result.id ?? '', 'cosine' in result ? result.cosine : Number.NaN]));
}

test('a pair has the same score alone on the API and in any mix of a batch on a worker, to 1e-5', async () => {
  const alone = new Map<string, number>();
  for (const { photo, text } of pairs) {
    const { body } = await running.client.single({ image: running.host.url(photo), text });
    alone.set(`${photo} ${text}`, (body as { cosine: number }).cosine);
  }
  const mixes = [
    pairs,
    pairs.toReversed(),
    // One of them among many texts of other lengths.
    pairs.flatMap((pair, at) => [pair, { photo: pair.photo, text: `${'very '.repeat(at % 12)}long ${at}` }]),
    pairs.slice(0, 1),
  ];
  for (const mix of mixes) {
    const cosines = await batchCosines(mix);
    for (const [name, cosine] of alone) {
      const inBatch = cosines.get(name);
      if (inBatch !== undefined) expect(Math.abs(inBatch - cosine), name).toBeLessThanOrEqual(1e-5);
    }
  }
  const { body } = await running.client.single<Scores>({ image: running.host.url(photoNames[0] ?? ''), text: texts });
  for (const { text, cosine } of body.results) {
    expect(Math.abs(cosine - (alone.get(`${photoNames[0]} ${text}`) ?? Number.NaN))).toBeLessThanOrEqual(1e-5);
  }
});
