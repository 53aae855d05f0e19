import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import type { RankResponse } from '../../../shared/contracts/rank.ts';
import type { SingleResponse } from '../../../shared/contracts/single.ts';
import type { TrafficReport } from '../../../shared/contracts/traffic.ts';
import { goldenImage } from '../../../testing/model-folders.ts';
import { until } from '../../../testing/until.ts';
import { familyFolder, goldenFamily } from '../../support/golden-family.ts';
import { useService } from '../../support/running-service.ts';

const directory = mkdtempSync(join(tmpdir(), 'vls-families-'));
afterAll(() => rmSync(directory, { recursive: true }));
const overlay = join(directory, 'models.json');
const folder = (name: string, more: object = {}) => ({
  ...{ source: { type: 'folder', path: familyFolder(name) }, revision: '1', memoryBytes: 150_000_000, ...more },
});
writeFileSync(
  overlay,
  JSON.stringify({
    profiles: { watched: { model: 'chinese', shadow: { model: 'siglip', share: 1 } } },
    models: {
      chinese: folder('chinese-clip'),
      siglip: folder('siglip', { logitScale: 117.33081817626953, logitBias: -12.9324369430542 }),
    },
  }),
);

const running = useService({ MODELS_FILE: overlay, MODEL: 'chinese', ENCODERS: '1' });

const golden = { chinese: goldenFamily('chinese-clip'), siglip: goldenFamily('siglip') };
const images = golden.siglip.images.map(({ file }) => ({ base64: goldenImage(file).toString('base64') }));
const texts = golden.siglip.texts.map(({ text }) => text);
/** Every golden image with some of the golden texts; `id` has the place of both. */
const pairs = images.flatMap((image, row) =>
  texts.slice(0, 6).map((text, column) => ({ image, text, id: `${row}-${column}` })),
);

const placeOf = ({ id = '' }: ItemResult): [row: number, column: number] => {
  const [row = 0, column = 0] = id.split('-').map(Number);
  return [row, column];
};
const expected = (table: number[][], result: ItemResult): number => {
  const [row, column] = placeOf(result);
  return table[row]?.[column] ?? Number.NaN;
};

describe('two models of different families in one service, with a batch each at the same time', () => {
  let during: BatchStatus[];
  let statuses: Record<'chinese' | 'siglip', BatchStatus>;
  let results: Record<'chinese' | 'siglip', ItemResult[]>;

  beforeAll(async () => {
    // Both models are loaded first. A model that loads slowly would keep the held image waiting longer than a host may
    // be silent.
    for (const model of ['chinese', 'siglip']) {
      expect(
        (await running.client.post('/v1/evaluation/single', { image: images[0], text: 'a cat', model })).status,
      ).toBe(200);
    }
    // The last item of each batch is held, so neither can end before both have results.
    const items = [...pairs, { image: running.host.url('held/chelsea.jpg'), text: 'a cat', id: 'held' }];
    const post = async (model: string) => (await running.client.batch.post(items, { model })).body.id;
    const ids = await Promise.all([post('chinese'), post('siglip')]);
    during = await until(async () => {
      const both = await Promise.all(ids.map(async (id) => (await running.client.batch.status(id)).body));
      return both.every(({ items: { succeeded } }) => succeeded > 0) && both;
    });
    running.host.release();
    const [chinese, siglip] = await Promise.all(ids.map((id) => running.client.batch.finished(id)));
    if (chinese === undefined || siglip === undefined) throw new Error('two batches were posted');
    statuses = { chinese, siglip };
    const resultsOf = async (id: string) => {
      const all = await running.client.batch.results(id);
      return all.filter((result) => result.id !== 'held');
    };
    results = { chinese: await resultsOf(chinese.id), siglip: await resultsOf(siglip.id) };
  });

  test('both run at the same time, and each has results before either has ended', () => {
    for (const { state, finishedAt, items } of during) {
      expect({ state, finishedAt }).toEqual({ state: 'running', finishedAt: null });
      expect(items.succeeded).toBeGreaterThan(0);
      expect(items.pending).toBeGreaterThan(0);
    }
    const [chinese, siglip] = [statuses.chinese, statuses.siglip];
    for (const { state } of [chinese, siglip]) expect(state).toMatch(/^completed/);
    const latestStart = Math.max(...[chinese, siglip].map(({ startedAt }) => Date.parse(startedAt ?? '')));
    const firstEnd = Math.min(...[chinese, siglip].map(({ finishedAt }) => Date.parse(finishedAt ?? '')));
    expect(latestStart).toBeLessThan(firstEnd);
  });

  test.each(['chinese', 'siglip'] as const)('%s has the cosines of its reference for every pair', (model) => {
    expect(results[model]).toHaveLength(pairs.length);
    for (const result of results[model]) {
      expect(result.status).toBe('succeeded');
      if (result.status === 'succeeded') {
        expect(Math.abs(result.cosine - expected(golden[model].cosine, result))).toBeLessThan(1e-4);
      }
    }
  });

  test('SigLIP has the probability of each pair, and the other family has none', () => {
    for (const result of results.siglip) {
      if (result.status !== 'succeeded') throw new Error(result.status);
      expect(Math.abs((result.probability ?? Number.NaN) - expected(golden.siglip.probability, result))).toBeLessThan(
        1e-3,
      );
    }
    expect(results.chinese.some((result) => 'probability' in result)).toBe(false);
    expect(statuses.siglip.pairProbabilities).toBe(true);
    expect(statuses.chinese.pairProbabilities).toBe(false);
  });

  test('tables have a column of probabilities for SigLIP alone', async () => {
    const table = (model: 'chinese' | 'siglip', type: string) =>
      running.client.call<string>(`/v1/evaluation/batch/${statuses[model].id}/results`, { headers: { accept: type } });
    const rows: Record<string, string>[] = parse((await table('siglip', 'text/csv')).body, { columns: true });
    expect(rows.slice(0, pairs.length).map(({ probability }) => Number(probability))).toEqual(
      results.siglip
        .toSorted((a, b) => a.index - b.index)
        .map((result) => (result.status === 'succeeded' ? result.probability : undefined)),
    );
    expect((await table('chinese', 'text/csv')).body.split('\n')[0]).not.toContain('probability');
    const parquet = await fetch(`${running.service.url}/evaluator/v1/evaluation/batch/${statuses.siglip.id}/results`, {
      headers: { accept: 'application/vnd.apache.parquet' },
    });
    const [first] = await parquetReadObjects({ file: await parquet.arrayBuffer() });
    expect(first?.['probability']).toBe(Number(rows[0]?.['probability']));
  });
});

describe('one image', () => {
  const [image] = images;
  const single = async (body: object) =>
    (await running.client.post<SingleResponse>('/v1/evaluation/single', { image, ...body })).body;

  test('has the probability of each text with SigLIP, for one text and for several', async () => {
    const many = await single({ text: texts.slice(0, 3), model: 'siglip' });
    const one = await single({ text: texts[0], model: 'siglip' });
    if (!('results' in many) || 'results' in one) throw new Error('another shape');
    const [first] = golden.siglip.probability;
    expect(many.results.map(({ probability }) => probability)).toEqual(
      first?.slice(0, 3).map((value) => expect.closeTo(value, 3)),
    );
    expect(one.probability).toBe(many.results[0]?.probability);
    expect(await single({ text: texts[0], model: 'chinese' })).not.toHaveProperty('probability');
  });

  test.each(['chinese', 'siglip'] as const)(
    'is ranked with the probabilities of the reference by %s',
    async (model) => {
      const { body } = await running.client.post<RankResponse>('/v1/evaluation/rank', { image, texts, model });
      const byIndex = body.results.toSorted((a, b) => a.index - b.index).map(({ probability }) => probability);
      const [reference = []] = golden[model].probability;
      for (const [at, value] of byIndex.entries()) expect(Math.abs(value - (reference[at] ?? 9))).toBeLessThan(1e-3);
      const kind = model === 'siglip' ? 'sigmoid' : 'softmax';
      expect(body.probabilities).toBe(kind);
      expect(body.logitBias).toBe(model === 'siglip' ? -12.9324369430542 : null);
    },
  );
});

test('a shadow of another family is compared by its ranks, and the report says so', async () => {
  const [image] = images;
  const posted = texts.map((text) => ({ image, text }));
  const { body } = await running.client.batch.post(posted, { model: 'watched' });
  await running.client.batch.finished(body.id);
  const report = await until(async () => {
    const found = (await running.client.call<TrafficReport>('/v1/traffic/watched')).body;
    return found.comparisons[0]?.pairs === posted.length && found;
  });
  expect(report.comparisons).toMatchObject([
    {
      ...{ kind: 'shadow', candidate: 'siglip', comparedBy: 'ranks', worst: [] },
      ...{ meanDifference: null, meanAbsoluteDifference: null, maxAbsoluteDifference: null },
    },
  ]);
  const correlation = spearman(golden.chinese.cosine[0] ?? [], golden.siglip.cosine[0] ?? []);
  // Neither the same order nor its reverse, so that the value tells whether ranks are compared.
  expect(Math.abs(correlation)).toBeLessThan(0.95);
  expect(report.comparisons[0]?.rankCorrelation).toBeCloseTo(correlation, 4);
});

/** Spearman's correlation of lists without equal values: Pearson's of the ranks. */
function spearman(a: readonly number[], b: readonly number[]): number {
  const ranks = (values: readonly number[]) => values.map((value) => values.filter((other) => other < value).length);
  const [left, right] = [ranks(a), ranks(b)];
  const squares = left.reduce((sum, rank, at) => sum + (rank - (right[at] ?? Number.NaN)) ** 2, 0);
  return 1 - (6 * squares) / (a.length * (a.length ** 2 - 1));
}
