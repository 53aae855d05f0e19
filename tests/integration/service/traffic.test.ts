import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { TrafficReport } from '../../../shared/contracts/traffic.ts';
import type { Answer, SingleScore } from '../../../testing/client.ts';
import { captions, photoNames } from '../../../testing/images/host.ts';
import { compactFolder, tinyClipFolder } from '../../../testing/model-folders.ts';
import { until } from '../../../testing/until.ts';
import { useApiAndWorker } from '../../support/running-service.ts';

const directory = mkdtempSync(join(tmpdir(), 'vls-traffic-'));
const overlay = join(directory, 'models.json');
afterAll(() => rmSync(directory, { recursive: true }));

const folder = (path: string, revision = '1') => ({
  source: { type: 'folder', path },
  revision,
  memoryBytes: 150_000_000,
});
/** Another folder of tiny-clip, changed. */
function changed(name: string, change: (path: string) => void): string {
  const path = join(directory, name);
  cpSync(tinyClipFolder, path, { recursive: true });
  change(path);
  return path;
}
const rules = (more: object) => ({
  profiles: { shared: { model: 'main', ...more } },
  models: {
    main: folder(tinyClipFolder),
    same: folder(tinyClipFolder),
    other: folder(tinyClipFolder),
    shifted: folder(join(directory, 'shifted')),
    broken: folder(join(directory, 'broken')),
    slow: { ...folder(compactFolder), logitScale: 20 },
  },
});
const write = (more: object) => writeFileSync(overlay, JSON.stringify(rules(more)));

changed('shifted', (path) => {
  const file = join(path, 'preprocessor_config.json');
  const config = JSON.parse(readFileSync(file, 'utf8'));
  // Brighter images with less contrast: the same model, fed wrongly.
  writeFileSync(file, JSON.stringify({ ...config, image_mean: [0, 0, 0], image_std: [1, 1, 1] }));
});
// A start of an encoder with it ends with an error.
changed('broken', (path) => writeFileSync(join(path, 'onnx', 'vision_model.onnx'), 'no model'));
write({ split: { other: 0.3 } });

/** Each process must act on the observations of the other. */
const running = useApiAndWorker(() => ({
  MODELS_FILE: overlay,
  MODEL: 'shared',
  ENCODERS: '1',
  EMBEDDING_CACHE_MB: '0',
  MICRO_BATCH: '4',
  LOG_LEVEL: 'info',
}));

const report = async () => (await running.client.call<TrafficReport>('/v1/traffic/shared')).body;
/** Waits until the report is as wanted: rules come into force some time after they are written. */
async function reported(wanted: (report: TrafficReport) => boolean): Promise<TrafficReport> {
  return await until(async () => {
    const found = await report();
    expect(wanted(found), JSON.stringify(found)).toBe(true);
    return found;
  });
}
let posted = 0;
/** Pairs with images that nobody has seen. */
const fresh = (count: number) =>
  Array.from({ length: count }, () => {
    const at = posted++;
    const name = photoNames[at % photoNames.length] ?? '';
    return { image: running.host.url(`${name}?${at}`), text: `${captions[name]} ${at % 50}` };
  });
async function evaluate(count: number) {
  const { body } = await running.client.batch.post(fresh(count));
  await running.client.batch.finished(body.id);
  return {
    status: (await running.client.batch.status(body.id)).body,
    results: await running.client.batch.results(body.id),
  };
}

async function oneByOne(pairs: object[]) {
  const answers: Answer<SingleScore>[] = [];
  for (const pair of pairs) answers.push(await running.client.single(pair));
  return answers;
}

test('a split gives each image to one model, alone and in batches, and tells them apart', async () => {
  await reported(({ arms }) => arms.some(({ model }) => model === 'other'));
  const items = fresh(150);
  const { body } = await running.client.batch.post(items);
  const ended = await running.client.batch.finished(body.id);
  expect(ended.traffic).toEqual([
    { role: 'main', model: 'main', revision: '1', share: 0.7 },
    { role: 'split', model: 'other', revision: '1', share: 0.3 },
  ]);
  const results = await running.client.batch.results(body.id);
  const byModel = results.map((result) => (result.status === 'succeeded' ? result.model : ''));
  const others = byModel.filter((model) => model === 'other').length;
  expect(byModel.filter((model) => model === 'main').length + others).toBe(150);
  // 45 are expected, with a standard deviation of 6.
  expect(others).toBeGreaterThan(15);
  expect(others).toBeLessThan(75);

  for (const result of results.slice(0, 12)) {
    const answer = await running.client.single(items[result.index]);
    expect(answer.body.receipt.model).toBe(result.status === 'succeeded' && result.model);
    // The two have the same weights.
    expect(answer.body.score).toBe(result.status === 'succeeded' && result.score);
  }
  const { arms } = await reported(({ arms }) => arms.reduce((sum, arm) => sum + arm.items, 0) === 162);
  expect(arms.find(({ model }) => model === 'other')).toMatchObject({ role: 'split', share: 0.3, failed: 0 });
  expect(arms[0]?.meanInferenceMs).toBeGreaterThan(0);

  const csv = await running.client.call<string>(`/v1/evaluation/batch/${body.id}/results`, {
    headers: { accept: 'text/csv' },
  });
  expect(csv.body.split('\n')[0]).toMatch(/,warnings,model\r?$/);
});

test('a model asked for by its own name answers alone', async () => {
  const { body } = await running.client.batch.post(fresh(8), { model: 'main' });
  expect((await running.client.batch.finished(body.id)).traffic).toBeNull();
  expect((await running.client.batch.results(body.id))[0]).not.toHaveProperty('model');
});

const canary = (model: string, more: object = {}) => ({
  // A batch of 100 fills a window.
  canary: { model, share: 0.5, compare: 1, window: { items: 30 }, promoteAfter: 2, ...more },
});
const open = { errorShare: 1, latencyRatio: 1_000, scoreDrift: 100, rankCorrelation: -1 };

test('a canary with shifted scores is rolled back in its first window, and the report names the reason', async () => {
  // Noise of a busy machine must not be what this test sees.
  write(canary('shifted', { guard: { latencyRatio: 1_000 } }));
  await reported(({ canary: found }) => found?.model === 'shifted' && found.phase === 'trial');
  const kept = (await running.client.batch.post(fresh(120))).body;
  expect(kept.traffic?.map(({ model }) => model)).toEqual(['main', 'shifted']);
  const { canary: found, comparisons } = await reported(({ canary: now }) => now?.phase === 'rolled_back');
  expect(found?.windows).toHaveLength(1);
  expect(found?.windows[0]).toMatchObject({ number: 1, verdict: 'failed' });
  expect(found?.reason).toMatch(/scores of the main model by|ranks the same items differently/);
  expect(comparisons[0]).toMatchObject({ kind: 'canary', candidate: 'shifted', reference: 'main' });
  const [worst] = comparisons[0]?.worst ?? [];
  expect(worst?.image).toMatch(/^http/);
  expect(Math.abs((worst?.candidate ?? 0) - (worst?.reference ?? 0))).toBeCloseTo(
    comparisons[0]?.maxAbsoluteDifference ?? 0,
    3,
  );

  // The batch keeps what it was posted with; what comes now is the main model's.
  await running.client.batch.finished(kept.id);
  const models = (await running.client.batch.results(kept.id)).map(
    (result) => result.status === 'succeeded' && result.model,
  );
  expect(new Set(models)).toEqual(new Set(['main', 'shifted']));
  const { status, results } = await evaluate(40);
  expect(status.traffic).toEqual([{ role: 'main', model: 'main', revision: '1', share: 1 }]);
  expect(results.every((result) => result.status === 'succeeded' && result.model === 'main')).toBe(true);
  expect((await report()).arms.map(({ model, shareNow }) => [model, shareNow])).toEqual([
    ['main', 1],
    ['shifted', 0],
  ]);

  // The comparison quotes texts and addresses of the batch; they go with it.
  expect((await running.client.call(`/v1/evaluation/batch/${kept.id}`, { method: 'DELETE' })).status).toBe(204);
  await reported(({ comparisons: [left] }) => left?.worst.length === 0);
});

test('an operator may try it again, and end it by hand', async () => {
  const again = await running.client.post<TrafficReport>('/v1/traffic/shared/restart', {});
  expect(again.body.canary).toMatchObject({ phase: 'trial', passed: 0 });
  const ended = await running.client.post<TrafficReport>('/v1/traffic/shared/rollback', {});
  expect(ended.body.canary).toMatchObject({ phase: 'rolled_back', reason: 'decided by an operator' });
  expect((await running.client.problem('/v1/traffic/shared/guess', { method: 'POST' })).status).toBe(400);
  expect((await running.client.problem('/v1/traffic/compact')).body.code).toBe('traffic.not_shared');
  const mistyped = await running.client.problem('/v1/traffic/compat');
  expect(mistyped.body.detail).toBe('No profile is named compat; did you mean compact?');
});

/** The guard, in whichever process, before the operator; the sort keeps the order of each. */
const byActor = (a: Record<string, unknown>, b: Record<string, unknown>) =>
  Number(a['by'] === undefined) - Number(b['by'] === undefined);

test("each decision about a canary, the guard's and an operator's, is one audit line, and so is each change of the rules", () => {
  const lines = [running.api, running.worker]
    .flatMap((each) => each.output().split('\n'))
    .filter((line) => line.includes('"audit":true') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.filter(({ action }) => action === 'models.reloaded')[0]).toMatchObject({ by: 'registry_file' });
  expect(
    lines.filter(({ action, model }) => String(action).startsWith('canary.') && model === 'shifted').sort(byActor),
  ).toMatchObject([
    { action: 'canary.rolled_back', by: 'canary_guard', profile: 'shared' },
    { action: 'canary.restarted', via: 'open', profile: 'shared' },
    { action: 'canary.rolled_back', via: 'open', profile: 'shared' },
  ]);
});

test('a slower canary is rolled back for its time alone, after two windows', async () => {
  write(canary('slow', { guard: { ...open, latencyRatio: 2 } }));
  await reported(({ canary: found }) => found?.model === 'slow' && found.phase === 'trial');
  await evaluate(120);
  const { canary: once } = await reported(({ canary: now }) => (now?.windows.length ?? 0) > 0);
  expect(once?.windows.at(-1)).toMatchObject({ verdict: 'failed', reasons: [expect.any(String), expect.any(String)] });
  for (let round = 0; round < 4 && (await report()).canary?.phase === 'trial'; round++) await evaluate(120);
  const { canary: found } = await reported(({ canary: now }) => now?.phase === 'rolled_back');
  expect(found?.reason).toMatch(/times as long as the main model; at most 2 is allowed/);
  expect(found?.windows.map(({ verdict }) => verdict)).toEqual(['failed', 'failed']);
});

test('a canary that cannot be loaded is rolled back, and no request fails', async () => {
  write(canary('broken', { guard: open }));
  const before = await reported(({ canary: found }) => found?.model === 'broken' && found.phase === 'trial');
  // With an error share of one nothing would ever be too much: so the guard is not what keeps the answers coming.
  const alone = await oneByOne(fresh(10));
  expect(alone.filter(({ status }) => status !== 200)).toEqual([]);
  expect(new Set(alone.map(({ body }) => body.receipt.model))).toEqual(new Set(['main']));

  write(canary('broken', { guard: { ...open, errorShare: 0.02 } }));
  await reported(({ canary: found, experiment }) => found?.phase === 'trial' && experiment !== before.experiment);
  const { status, results } = await evaluate(100);
  expect(status.items).toMatchObject({ succeeded: 100, failed: 0 });
  expect(results.every((result) => result.status === 'succeeded' && result.model === 'main')).toBe(true);
  const { canary: found } = await reported(({ canary: now }) => now?.phase === 'rolled_back');
  expect(found?.reason).toMatch(/% of its items failed/);
});

test('a right canary is promoted after its windows, and is the profile’s model from then on', async () => {
  write(canary('same', { guard: { latencyRatio: 1_000 } }));
  await reported(({ canary: found }) => found?.model === 'same' && found.phase === 'trial');
  for (let round = 0; round < 6 && (await report()).canary?.phase === 'trial'; round++) {
    await evaluate(100);
    // The window it filled is judged with the next report.
    await reported(({ canary: now }) => now?.phase !== 'trial' || now.passed > 0);
  }
  const { canary: found, comparisons } = await reported(({ canary: now }) => now?.phase === 'promoted');
  expect(found?.windows.map(({ verdict }) => verdict)).toEqual(['passed', 'passed']);
  expect(found?.windows[0]?.figures).toMatchObject({ scoreDrift: 0, rankCorrelation: 1, errorShare: 0 });
  expect(comparisons[0]).toMatchObject({ meanAbsoluteDifference: 0, maxAbsoluteDifference: 0 });

  const { status } = await evaluate(8);
  expect(status).toMatchObject({ model: 'same', traffic: [{ role: 'main', model: 'same', share: 1 }] });
  const [pair] = fresh(1);
  expect((await running.client.single(pair)).body.receipt.model).toBe('same');
});

test('a shadow scores its share, and changes no answer', async () => {
  write({ shadow: { model: 'shifted', share: 0.5 } });
  await reported(({ comparisons }) => comparisons[0]?.kind === 'shadow');
  const { status, results } = await evaluate(100);
  expect(status.traffic).toEqual([{ role: 'main', model: 'main', revision: '1', share: 1 }]);
  expect(results.every((result) => result.status === 'succeeded' && result.model === 'main')).toBe(true);
  const before = await reported(({ comparisons }) => (comparisons[0]?.pairs ?? 0) > 25);
  expect(before.comparisons[0]).toMatchObject({ candidate: 'shifted', failed: 0 });
  expect(before.comparisons[0]?.meanAbsoluteDifference).toBeGreaterThan(0);
  expect(before.comparisons[0]?.worst.length).toBeGreaterThan(10);

  const alone = await oneByOne(fresh(20));
  expect(new Set(alone.map(({ body }) => body.receipt.model))).toEqual(new Set(['main']));
  await reported(({ comparisons }) => (comparisons[0]?.pairs ?? 0) > (before.comparisons[0]?.pairs ?? 0));
});

test('without Redis single requests are answered, and the trial continues afterwards', async () => {
  write(canary('other', { guard: open }));
  await reported(({ canary: found }) => found?.model === 'other' && found.phase === 'trial');
  await running.redis.kill();
  const alone = await oneByOne(fresh(10));
  expect(alone.filter(({ status }) => status !== 200)).toEqual([]);
  expect((await running.client.problem('/v1/traffic')).body.code).toBe('queue.unavailable');
  await running.redis.start();
  await reported(({ canary: found }) => found?.phase === 'trial');
});
