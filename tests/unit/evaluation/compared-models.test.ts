import { beforeEach, describe, expect, test } from 'vitest';
import type { EmbeddingCache } from '../../../evaluation/embedding-cache.ts';
import { createEvaluation, type Evaluation } from '../../../evaluation/evaluation.ts';
import type { ComparedModel, Models, ScoredPairs } from '../../../evaluation/outcome.ts';
import type { ImageLoader } from '../../../images/loader.ts';
import type { Embedded } from '../../../models/encoder/protocol.ts';
import { ServiceError } from '../../../shared/errors.ts';
import { specOf, tinyClipFolder } from '../../../testing/model-folders.ts';
import { embeddingOf } from '../../support/fake-encoders.ts';

const answering = await specOf(tinyClipFolder, { model: 'answering' });
const shadow = { ...answering, model: 'shadow' };
const models: Models = [answering, shadow];

/** Images have the angle 0; a text has the cosine that it says, for the shadow a tenth less. */
const textAt = (cosine: number): Embedded => ({
  ...embeddingOf(cosine, Math.sqrt(1 - cosine * cosine)),
  tokens: 3,
  totalTokens: 3,
  began: { decode: 1, run: 1 },
});

let loads: string[];
let embedded: { model: string; input: string; interactive: boolean }[];
let images: ImageLoader;
let embeddings: EmbeddingCache;
let evaluation: Evaluation;
beforeEach(() => {
  loads = [];
  embedded = [];
  images = {
    async load(source) {
      loads.push(String(source));
      return Buffer.from(String(source));
    },
    close: async () => {},
  };
  embeddings = {
    async image({ model }, bytes, { interactive }) {
      embedded.push({ model, input: Buffer.from(bytes).toString(), interactive });
      return { ...embeddingOf(1, 0), began: { decode: 1, run: 1 } };
    },
    async text({ model }, text, { interactive }) {
      embedded.push({ model, input: text, interactive });
      return textAt(Number(text) - (model === 'shadow' ? 0.1 : 0));
    },
  };
  evaluation = createEvaluation({
    images: { load: (...asked) => images.load(...asked), close: async () => {} },
    embeddings: { image: (...asked) => embeddings.image(...asked), text: (...asked) => embeddings.text(...asked) },
    concurrency: 8,
  });
});

/** Makes one model fail, or never end, on everything that it is asked for. */
function replace(model: string, what: keyof EmbeddingCache, by: () => Promise<Embedded>): void {
  const usual = embeddings[what] as (...asked: unknown[]) => Promise<Embedded>;
  embeddings = {
    ...embeddings,
    [what]: (...asked: [{ model: string }, ...unknown[]]) => (asked[0].model === model ? by() : usual(...asked)),
  };
}
const never = () => new Promise<never>(() => {});

const cosines = async ({ compared: [first] }: ScoredPairs) =>
  (await outcomesOf(first)).map((scored) => (scored?.outcome.status === 'succeeded' ? scored.outcome.cosine : scored));
const outcomesOf = async (model: ComparedModel | undefined) => (await model?.outcomes) ?? [];

describe.each<[string, (texts: string[]) => Promise<ScoredPairs>]>([
  ['a request', (texts) => evaluation.scoreTexts(models, 'a', texts)],
  [
    'a batch',
    (texts) =>
      evaluation.scorePairs(
        models,
        texts.map((text) => ({ image: 'a', text })),
      ),
  ],
])('the models that score %s', (kind, score) => {
  test('have their outcomes each, in the order of the pairs, from one download', async () => {
    const scored = await score(['0.5', '0.25']);
    expect(scored.answers).toMatchObject([
      { outcome: { status: 'succeeded', cosine: 0.5, score: 50 } },
      { outcome: { status: 'succeeded', cosine: 0.25, score: 25 } },
    ]);
    expect(scored.compared.map(({ model }) => model)).toEqual(['shadow']);
    expect(await cosines(scored)).toEqual([0.4, 0.15]);
    expect(loads).toEqual(['a']);
  });

  test('count the run of an image once each, with the first pair', async () => {
    const scored = await score(['0.1', '0.2', '0.3']);
    const inputsOf = (outcomes: ScoredPairs['answers']) => outcomes.map(({ runs }) => runs.map(({ input }) => input));
    const once = [['image', 'text'], ['text'], ['text']];
    expect(inputsOf(scored.answers)).toEqual(once);
    const compared = (await outcomesOf(scored.compared[0])).filter((outcome) => outcome !== undefined);
    expect(inputsOf(compared)).toEqual(once);
  });

  test.each(['image', 'text'] as const)('fail alone: a compared model without the %s fails no answer', async (what) => {
    replace('shadow', what, async () => {
      throw new ServiceError('model.unavailable', 'it cannot be loaded');
    });
    const scored = await score(['0.5']);
    expect(scored.answers).toMatchObject([{ outcome: { status: 'succeeded' } }]);
    expect(await outcomesOf(scored.compared[0])).toMatchObject([
      { outcome: { status: 'failed', error: { code: 'model.unavailable' } }, runs: [] },
    ]);
  });

  test('do not wait for the texts of a compared model', async () => {
    replace('shadow', 'text', never);
    const scored = await score(['0.5']);
    expect(scored.answers).toMatchObject([{ outcome: { status: 'succeeded' } }]);
  });

  test('are batch work where they are compared', async () => {
    await cosines(await score(['0.5']));
    const interactive = (model: string) => embedded.filter((one) => one.model === model).map((one) => one.interactive);
    expect(interactive('answering')).toEqual(Array.from({ length: 2 }, () => kind === 'a request'));
    expect(interactive('shadow')).toEqual([false, false]);
  });
});

test('a request does not wait for the image of a compared model, a batch embeds it while it holds its place', async () => {
  const arrived = Promise.withResolvers<Embedded>();
  replace('shadow', 'image', () => arrived.promise);
  expect((await evaluation.scoreTexts(models, 'a', ['0.5'])).answers).toHaveLength(1);
  let isDone = false;
  const batch = evaluation.scorePairs(models, [{ image: 'a', text: '0.5' }]).finally(() => {
    isDone = true;
  });
  await new Promise(setImmediate);
  expect(isDone).toBe(false);
  arrived.resolve(embeddingOf(1, 0));
  expect((await batch).answers).toHaveLength(1);
});

test('a pair that the answering model cannot score is compared with nothing, and others are', async () => {
  const { load } = images;
  images.load = async (source) => {
    if (source === 'lost') throw new ServiceError('image.file.not_found', 'not there');
    return await load(source);
  };
  const scored = await evaluation.scorePairs(models, [
    { image: 'lost', text: '0.5' },
    { image: 'a', text: '0.5' },
    { image: 'a', text: ' ' },
  ]);
  expect(scored.answers).toMatchObject([
    { outcome: { status: 'failed', error: { code: 'image.file.not_found' } } },
    { outcome: { status: 'succeeded' } },
    { outcome: { status: 'failed', error: { code: 'text.empty' } } },
  ]);
  expect(await cosines(scored)).toEqual([undefined, 0.4, undefined]);
});

test('requests beyond sixteen that are being compared are answered and not compared', async () => {
  const waiting: ((image: Embedded) => void)[] = [];
  replace('shadow', 'image', () => new Promise((resolve) => waiting.push(resolve)));
  const requests = [];
  for (let at = 0; at < 17; at++) requests.push(await evaluation.scoreTexts(models, `image ${at}`, ['0.5']));
  expect(waiting).toHaveLength(16);
  expect(await outcomesOf(requests.at(-1)?.compared[0])).toEqual([]);
  for (const arrive of waiting.splice(0)) arrive(embeddingOf(1, 0));
  expect(await cosines(requests[0] ?? { answers: [], compared: [] })).toEqual([0.4]);
  await Promise.all(requests.map((request) => outcomesOf(request.compared[0])));
  // Their places are free again.
  await evaluation.scoreTexts(models, 'image 17', ['0.5']);
  expect(waiting).toHaveLength(1);
});

test('an aborted batch ends the work of its compared models', async () => {
  const signals: (AbortSignal | undefined)[] = [];
  embeddings.image = async (spec, _bytes, { signal }) => {
    if (spec.model === 'answering') return embeddingOf(1, 0);
    signals.push(signal);
    return await new Promise<never>((_, reject) =>
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true }),
    );
  };
  const abort = new AbortController();
  const batch = evaluation.scorePairs(models, [{ image: 'a', text: '0.5' }], { signal: abort.signal });
  await new Promise(setImmediate);
  abort.abort(new ServiceError('cancelled', 'The batch was stopped'));
  await expect(batch).rejects.toMatchObject({ code: 'cancelled' });
  expect(signals.map((signal) => signal?.reason)).toEqual([abort.signal.reason]);
});
