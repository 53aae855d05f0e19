import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { EmbeddingCache } from '../../../evaluation/embedding-cache.ts';
import { createEvaluation, type Evaluation } from '../../../evaluation/evaluation.ts';
import type { EvaluationOptions } from '../../../evaluation/options.ts';
import type { Outcome, Pair } from '../../../evaluation/outcome.ts';
import { receiptOf } from '../../../evaluation/receipt.ts';
import type { TextScores } from '../../../evaluation/score-texts.ts';
import type { ImageLoader } from '../../../images/loader.ts';
import type { Embedded } from '../../../models/encoder/protocol.ts';
import { type ImageSource, maxTextLength } from '../../../shared/contracts/item.ts';
import { type Code, ServiceError } from '../../../shared/errors.ts';
import { specOf, tinyClipFolder } from '../../../testing/model-folders.ts';
import { until } from '../../../testing/until.ts';
import { embeddingOf } from '../../support/fake-encoders.ts';

const spec = await specOf(tinyClipFolder, { model: 'tiny' });

/** Every image is at 0 degrees, and a text at the angle whose cosine it says: `0.5`. */
const textAt = (cosine: number): Embedded => embeddingOf(cosine, Math.sqrt(1 - cosine * cosine));

let loads: { source: ImageSource; signal: AbortSignal | undefined }[];
let calls: { kind: 'image' | 'text'; input: string; interactive: boolean }[];
let images: ImageLoader;
let embeddings: EmbeddingCache;
beforeEach(() => {
  loads = [];
  calls = [];
  images = {
    async load(source, options) {
      loads.push({ source, signal: options?.signal });
      return Buffer.from(typeof source === 'string' ? source : JSON.stringify(source));
    },
    close: async () => {},
  };
  embeddings = {
    async image(_spec, bytes, { interactive }) {
      calls.push({ kind: 'image', input: Buffer.from(bytes).toString(), interactive });
      return embeddingOf(1, 0);
    },
    async text(_spec, text, { interactive }) {
      calls.push({ kind: 'text', input: text, interactive });
      return textAt(Number(text));
    },
  };
});

const evaluation = (concurrency = 64): Evaluation => createEvaluation({ images, embeddings, concurrency });

/** Lets one image fail to load, or one text to be embedded. */
function failing(what: 'image' | 'text', input: string, error: unknown): void {
  if (what === 'image') {
    const { load } = images;
    images.load = async (source, options) => {
      if (source === input) throw error;
      return await load(source, options);
    };
  } else {
    const { text: embed } = embeddings;
    embeddings.text = async (asked, text, options) => {
      if (text === input) throw error;
      return await embed(asked, text, options);
    };
  }
}

/** The answer of one model to a request. */
const scoreTexts = async (
  image: ImageSource | Uint8Array,
  texts: readonly string[],
  options: EvaluationOptions = {},
  by = evaluation(),
): Promise<TextScores> => (await by.scoreTexts([spec], image, texts, options)).scores;

/** The outcomes of one model for a chunk. */
const scorePairs = async (
  list: readonly Pair[],
  options: EvaluationOptions = {},
  by = evaluation(),
): Promise<Outcome[]> => (await by.scorePairs([spec], list, options)).answers.map(({ outcome }) => outcome);

const pairs = (...list: [image: ImageSource, text: string][]): Pair[] => list.map(([image, text]) => ({ image, text }));

describe('one image and several texts', () => {
  test('gives every text its score, in the order of the texts', async () => {
    const { results } = await scoreTexts('cat.jpg', ['0.5', '-0.25', '0.5']);
    expect(results).toEqual([
      { text: '0.5', cosine: 0.5, score: 50 },
      { text: '-0.25', cosine: -0.25, score: 0 },
      { text: '0.5', cosine: 0.5, score: 50 },
    ]);
  });

  test('goes before batch work, with image and texts', async () => {
    await scoreTexts('cat.jpg', ['0.5']);
    expect(calls.map(({ interactive }) => interactive)).toEqual([true, true]);
  });

  test('takes bytes as they are, and fetching them took no time', async () => {
    const { timings } = await scoreTexts(Buffer.from('bytes'), ['0.5']);
    expect(loads).toEqual([]);
    expect(calls).toContainEqual({ kind: 'image', input: 'bytes', interactive: true });
    expect(timings.fetchMs).toBe(0);
  });

  test('hands the signal of the caller to the download', async () => {
    const client = new AbortController();
    images.load = async (_source, { signal } = {}) => {
      const aborted = new Promise<never>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
      client.abort(new Error('The client has gone'));
      return await aborted;
    };
    const scoring = scoreTexts({ url: 'http://example.org/cat.jpg' }, ['0.5'], { signal: client.signal });
    await expect(scoring).rejects.toThrow('The client has gone');
  });

  test('embeds the texts while the image is downloaded', async () => {
    const arrived = Promise.withResolvers<Uint8Array>();
    images.load = () => arrived.promise;
    const scored = scoreTexts('cat.jpg', ['0.5', '0.25']);
    await until(() => expect(calls.map(({ input }) => input)).toEqual(['0.5', '0.25']));
    arrived.resolve(Buffer.from('bytes'));
    await scored;
  });

  test('has a receipt with every warning once', async () => {
    embeddings.text = async () => ({ ...textAt(0.5), tokens: 77, totalTokens: 90 });
    const { receipt } = await scoreTexts('cat.jpg', ['0.5', '0.25']);
    expect(receipt).toEqual({
      ...receiptOf(spec),
      warnings: ['text truncated: the model reads 77 of at least 90 tokens'],
    });
  });

  test('refuses a text with too many tokens when longText is error, and says how many it has', async () => {
    embeddings.text = async () => ({ ...textAt(0.5), tokens: 77, totalTokens: 90 });
    await expect(scoreTexts('cat.jpg', ['0.5'], { longText: 'error' })).rejects.toMatchObject({
      code: 'text.too_long',
      message: expect.stringContaining('90 tokens, more than the 77'),
    });
    const [outcome] = await scorePairs([{ image: 'cat.jpg', text: '0.5' }], { longText: 'error' });
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'text.too_long', retryable: false } });
  });

  test('names the text that is empty, too long, or has too many tokens', async () => {
    const refused = async (texts: string[]) =>
      await scoreTexts('cat.jpg', texts, { longText: 'error' }).catch((error: Error) => error.message);
    expect(await refused(['0.5', '0.5', 'x'.repeat(maxTextLength + 1)])).toMatch(/^The text at index 2 has 20001 char/);
    expect(await refused(['0.5', ' '])).toBe('The text at index 1 is empty');
    expect(await refused([' '])).toBe('The text is empty');
    embeddings.text = async (_spec, text) => ({ ...textAt(0.5), tokens: 77, totalTokens: text === 'long' ? 90 : 7 });
    expect(await refused(['0.5', 'long'])).toMatch(/^The text at index 1 has at least 90 tokens/);
    const inputs = [{ text: '0.5' }, { text: ' ' }];
    await expect(evaluation().embed(spec, inputs)).rejects.toThrow('The text at index 1 is empty');
  });

  test('counts the image and the slowest text as inference', async () => {
    embeddings.image = async () => ({ ...embeddingOf(1, 0), decodeMs: 3.14, inferenceMs: 20 });
    embeddings.text = async (_spec, text) => ({ ...textAt(0.5), inferenceMs: Number(text) });
    const { timings } = await scoreTexts('cat.jpg', ['1', '7', '2']);
    expect(timings).toMatchObject({ decodeMs: 3.1, inferenceMs: 27 });
  });

  test.each(['', '   ', '\n\t'])('refuses the empty text %j before anything is fetched', async (text) => {
    await expect(scoreTexts('cat.jpg', ['0.5', text])).rejects.toMatchObject({ code: 'text.empty' });
    expect([loads, calls]).toEqual([[], []]);
  });

  test('refuses a text over the bound and takes one that reaches it', async () => {
    const longest = '0.5'.padEnd(maxTextLength);
    await expect(scoreTexts('cat.jpg', [`${longest}x`])).rejects.toMatchObject({ code: 'text.too_long' });
    await expect(scoreTexts('cat.jpg', [longest])).resolves.toMatchObject({ results: [{ cosine: 0.5 }] });
  });

  test.each<[string, () => void, Code]>([
    [
      'an image',
      () => failing('image', 'cat.jpg', new ServiceError('image.fetch.timeout', 'late')),
      'image.fetch.timeout',
    ],
    ['a text', () => failing('text', '0.25', new ServiceError('model.unavailable', 'gone')), 'model.unavailable'],
  ])('fails with the code of %s', async (_what, prepare, code) => {
    prepare();
    await expect(scoreTexts('cat.jpg', ['0.5', '0.25'])).rejects.toMatchObject({ code });
  });

  test('fails once when the image and the texts both fail', async () => {
    failing('image', 'cat.jpg', new ServiceError('image.fetch.dns', 'unknown host'));
    failing('text', '0.5', new ServiceError('model.unavailable', 'gone'));
    await expect(scoreTexts('cat.jpg', ['0.5'])).rejects.toMatchObject({ code: 'image.fetch.dns' });
  });
});

test('a request that fails leaves nothing behind: its other downloads end, and those that wait never begin', async () => {
  const begun: AbortSignal[] = [];
  images.load = async (source, { signal } = {}) => {
    if (source === 'bad') throw new ServiceError('image.corrupt', 'It is damaged');
    if (signal === undefined) throw new Error('The download cannot be aborted');
    begun.push(signal);
    return await new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  };
  // Of four places the bad image has the last, and one that waits may have it next.
  const inputs = ['slow', 'slow', 'slow', 'bad', ...Array.from({ length: 996 }, () => 'slow')].map((image) => ({
    image,
  }));
  const embedding = evaluation(1).embed(spec, inputs);
  await expect(embedding).rejects.toMatchObject({ code: 'image.corrupt' });
  await new Promise(setImmediate);
  expect(begun.length).toBeLessThanOrEqual(4);
  expect(begun.every(({ aborted }) => aborted)).toBe(true);
});

describe('pairs of a batch', () => {
  test('gives every pair its outcome, in the order of the pairs', async () => {
    expect(await scorePairs(pairs(['a', '0.5'], ['b', '-1'], ['c', '0.125']))).toEqual([
      { status: 'succeeded', cosine: 0.5, score: 50 },
      { status: 'succeeded', cosine: -1, score: 0 },
      { status: 'succeeded', cosine: 0.125, score: 12.5 },
    ]);
  });

  test('of nothing gives nothing', async () => {
    expect(await scorePairs([])).toEqual([]);
  });

  test('is batch work, with image and text', async () => {
    await scorePairs(pairs(['a', '0.5']));
    expect(calls.map(({ interactive }) => interactive)).toEqual([false, false]);
  });

  test('loads and embeds the same source once', async () => {
    const url = { url: 'http://example.org/cat.jpg' };
    const outcomes = await scorePairs(
      pairs(['a', '0.5'], ['a', '0.25'], [url, '0.5'], [{ ...url }, '0.25'], ['b', '0.5']),
    );
    expect(outcomes.every(({ status }) => status === 'succeeded')).toBe(true);
    expect(loads.map(({ source }) => source)).toEqual(['a', url, 'b']);
    expect(calls.filter(({ kind }) => kind === 'image')).toHaveLength(3);
  });

  test('distinguishes a string from the object with the same JSON', async () => {
    const url = { url: 'http://example.org/cat.jpg' };
    await scorePairs(pairs([url, '0.5'], [JSON.stringify(url), '0.5']));
    expect(loads.map(({ source }) => source)).toEqual([url, JSON.stringify(url)]);
  });

  test('loads the same source again for the next chunk', async () => {
    const evaluating = evaluation();
    await scorePairs(pairs(['a', '0.5']), {}, evaluating);
    await scorePairs(pairs(['a', '0.5']), {}, evaluating);
    expect(loads).toHaveLength(2);
  });

  test('loads and embeds a source once for all chunks of a batch, and each text once', async () => {
    const evaluating = evaluation();
    const batch = { batchId: 'one' };
    const outcomes = [
      ...(await Promise.all([
        scorePairs(pairs(['a', '0.5']), batch, evaluating),
        scorePairs(pairs(['a', '0.25'], ['b', '0.5']), batch, evaluating),
      ])),
      await scorePairs(pairs(['b', '0.25'], ['a', '0.5']), batch, evaluating),
    ].flat();
    expect(outcomes).toMatchObject([0.5, 0.25, 0.5, 0.25, 0.5].map((cosine) => ({ status: 'succeeded', cosine })));
    expect(loads.map(({ source }) => source)).toEqual(['a', 'b']);
    expect(calls.map(({ input }) => input).toSorted()).toEqual(['0.25', '0.5', 'a', 'b']);
    await scorePairs(pairs(['a', '0.5']), { batchId: 'another' }, evaluating);
    expect(loads).toHaveLength(3);
  });

  test('shares a failed download with the chunks that wait for it, and tries again for the next chunk', async () => {
    const evaluating = evaluation();
    const batch = { batchId: 'one' };
    const { load } = images;
    let attempts = 0;
    images.load = async (...asked) => {
      if (++attempts === 1) throw new ServiceError('image.fetch.unavailable', '503 from example.org');
      return await load(...asked);
    };
    const chunk = () => scorePairs(pairs(['a', '0.5']), batch, evaluating);
    expect((await Promise.all([chunk(), chunk()])).flat()).toMatchObject([
      { status: 'failed', error: { code: 'image.fetch.unavailable' } },
      { status: 'failed', error: { code: 'image.fetch.unavailable' } },
    ]);
    expect(await chunk()).toMatchObject([{ status: 'succeeded', cosine: 0.5 }]);
    expect(attempts).toBe(2);
  });

  test('ends a shared download when the last of its chunks is aborted', async () => {
    const evaluating = evaluation();
    const arrived = Promise.withResolvers<Uint8Array>();
    images.load = async (source, options) => {
      loads.push({ source, signal: options?.signal });
      return await arrived.promise;
    };
    const aborts = [new AbortController(), new AbortController(), new AbortController()];
    const [first, second, third] = aborts.map(({ signal }) =>
      scorePairs(pairs(['a', '0.5']), { batchId: 'one', signal }, evaluating),
    );
    await until(() => expect(loads).toHaveLength(1));
    aborts[0]?.abort(new Error('handed back'));
    await expect(first).rejects.toThrow('handed back');
    expect(loads[0]?.signal?.aborted).toBe(false);
    arrived.resolve(Buffer.from('a'));
    expect(await second).toMatchObject([{ status: 'succeeded' }]);
    expect(await third).toMatchObject([{ status: 'succeeded' }]);

    images.load = async (source, options) => {
      loads.push({ source, signal: options?.signal });
      return await new Promise((_, reject) =>
        options?.signal?.addEventListener('abort', () => reject(options.signal?.reason)),
      );
    };
    const last = new AbortController();
    const ended = scorePairs(pairs(['b', '0.5']), { batchId: 'one', signal: last.signal }, evaluating);
    await until(() => expect(loads).toHaveLength(2));
    last.abort(new Error('stopped'));
    await expect(ended).rejects.toThrow('stopped');
    expect(loads[1]?.signal?.aborted).toBe(true);
  });

  test('fails every pair of a source that cannot be loaded, after one attempt, and no other pair', async () => {
    failing('image', 'gone', new ServiceError('image.fetch.http_status', '404 from example.org'));
    let attempts = 0;
    const { load } = images;
    images.load = (source, signal) => {
      if (source === 'gone') attempts++;
      return load(source, signal);
    };
    const error = { code: 'image.fetch.http_status', message: '404 from example.org', retryable: false };
    expect(await scorePairs(pairs(['gone', '0.5'], ['a', '0.5'], ['gone', '0.25']))).toEqual([
      { status: 'failed', error },
      { status: 'succeeded', cosine: 0.5, score: 50 },
      { status: 'failed', error },
    ]);
    expect(attempts).toBe(1);
  });

  test('fails a pair without text and one with too long a text, and fetches nothing for them', async () => {
    const outcomes = await scorePairs(pairs(['a', ' '], ['b', 'x'.repeat(maxTextLength + 1)], ['c', '1']));
    expect(outcomes).toMatchObject([
      { status: 'failed', error: { code: 'text.empty', retryable: false } },
      { status: 'failed', error: { code: 'text.too_long', retryable: false } },
      { status: 'succeeded' },
    ]);
    expect(loads.map(({ source }) => source)).toEqual(['c']);
  });

  test('returns the error that intake found', async () => {
    const error = { code: 'item.invalid', message: 'image is missing', retryable: false } as const;
    expect(await scorePairs([{ error }])).toEqual([{ status: 'failed', error }]);
    expect([loads, calls]).toEqual([[], []]);
  });

  test('has each warning of a pair once, and no list without warnings', async () => {
    embeddings.text = async (_spec, text) => ({
      ...textAt(0.5),
      tokens: 77,
      totalTokens: text === 'long' ? 90 : 77,
    });
    expect(await scorePairs(pairs(['a', 'long'], ['a', 'short']))).toEqual([
      {
        status: 'succeeded',
        cosine: 0.5,
        score: 50,
        warnings: ['text truncated: the model reads 77 of at least 90 tokens'],
      },
      { status: 'succeeded', cosine: 0.5, score: 50 },
    ]);
  });

  test.each<Code>(['model.unavailable', 'overloaded'])('throws %s, which is not an error of a pair', async (code) => {
    failing('text', '0.25', new ServiceError(code, 'not now'));
    await expect(scorePairs(pairs(['a', '0.5'], ['b', '0.25']))).rejects.toMatchObject({ code });
  });

  test.each<Code>(['internal.poison', 'image.corrupt', 'image.fetch.network'])(
    'returns %s as the outcome of its pair',
    async (code) => {
      failing('text', '0.25', new ServiceError(code, 'no'));
      expect(await scorePairs(pairs(['a', '0.5'], ['b', '0.25']))).toMatchObject([
        { status: 'succeeded' },
        { status: 'failed', error: { code } },
      ]);
    },
  );

  test('returns an error without a code as internal', async () => {
    failing('image', 'b', new TypeError('undefined is not a function'));
    expect(await scorePairs(pairs(['a', '0.5'], ['b', '0.5']))).toMatchObject([
      { status: 'succeeded' },
      { status: 'failed', error: { code: 'internal', retryable: true } },
    ]);
  });

  test('returns no pair while its text is being embedded, so that texts do not pile up', async () => {
    failing('image', 'lost', new ServiceError('image.file.not_found', 'not there'));
    const text = Promise.withResolvers<Embedded>();
    embeddings.text = () => text.promise;
    let ended = false;
    const evaluated = scorePairs([{ image: 'lost', text: '0.5' }]).finally(() => {
      ended = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toBe(false);
    text.resolve(textAt(0.5));
    expect(await evaluated).toMatchObject([{ status: 'failed', error: { code: 'image.file.not_found' } }]);
  });

  test('holds a bounded number of images at a time, over all chunks', async () => {
    let open = 0;
    let most = 0;
    images.load = async (source) => {
      most = Math.max(most, ++open);
      await new Promise(setImmediate);
      return Buffer.from(String(source));
    };
    embeddings.image = async () => {
      await new Promise(setImmediate);
      open--;
      return embeddingOf(1, 0);
    };
    const evaluating = evaluation(3);
    const chunk = (name: string) => pairs(...[1, 2, 3, 4].map((n): [string, string] => [`${name}${n}`, '0.5']));
    await Promise.all([scorePairs(chunk('a'), {}, evaluating), scorePairs(chunk('b'), {}, evaluating)]);
    expect(most).toBe(3);
  });
});

describe('places to load images', () => {
  /** Images that load when a test says so. Each loads for ever otherwise, as from a host that never answers. */
  function slowHosts() {
    const begun: string[] = [];
    const arrived = new Map<string, () => void>();
    images.load = (source, { signal } = {}) =>
      new Promise((resolve, reject) => {
        const name = String(source);
        begun.push(name);
        arrived.set(name, () => resolve(Buffer.from(name)));
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    const arrive = async (...names: string[]) => {
      for (const name of names) arrived.get(name)?.();
      await new Promise(setImmediate);
    };
    return { begun, arrive };
  }
  const chunk = (name: string, items: number) =>
    pairs(...Array.from({ length: items }, (_, at): [string, string] => [`${name}${at}`, '0.5']));
  const settle = () => new Promise(setImmediate);

  test('that one tenant holds for long do not stop the batch of another', async () => {
    const { begun, arrive } = slowHosts();
    const evaluating = evaluation(8);
    scorePairs(chunk('hostile', 40), { tenant: 'hostile' }, evaluating).catch(() => {});
    await settle();
    expect(begun).toHaveLength(8);
    const ordinary = scorePairs(chunk('ordinary', 3), { tenant: 'ordinary' }, evaluating);
    for (const name of ['ordinary0', 'ordinary1', 'ordinary2']) {
      await settle();
      await arrive(name);
    }
    expect(await ordinary).toHaveLength(3);
    expect(begun.filter((name) => name.startsWith('hostile'))).toHaveLength(8);
  });

  test('of batches do not delay interactive requests, however many batches wait', async () => {
    const { begun, arrive } = slowHosts();
    const evaluating = evaluation(1);
    scorePairs(chunk('batch', 10), { tenant: 'a' }, evaluating).catch(() => {});
    const single = scoreTexts('single', ['0.5'], { tenant: 'a' }, evaluating);
    await settle();
    expect(begun).toEqual(['batch0', 'single']);
    await arrive('single');
    expect((await single).results).toHaveLength(1);
  });

  test('are free again when a batch is aborted: its downloads end, and those that wait never begin', async () => {
    const { begun, arrive } = slowHosts();
    const evaluating = evaluation(2);
    const abort = new AbortController();
    const hostile = scorePairs(chunk('hostile', 6), { tenant: 'a', signal: abort.signal }, evaluating);
    await settle();
    const next = scorePairs(chunk('next', 1), { tenant: 'a' }, evaluating);
    await settle();
    expect(begun).toEqual(['hostile0', 'hostile1']);
    abort.abort(new ServiceError('cancelled', 'The batch has ended'));
    await expect(hostile).rejects.toMatchObject({ code: 'cancelled' });
    await settle();
    expect(begun).toEqual(['hostile0', 'hostile1', 'next0']);
    await arrive('next0');
    await next;
  });

  test('of a request are free again when its client leaves', async () => {
    const { begun } = slowHosts();
    const evaluating = evaluation(1);
    const abort = new AbortController();
    const left = evaluating.scoreImages(spec, ['1', '2', '3', '4', '5', '6'], '0.5', {
      tenant: 'a',
      signal: abort.signal,
    });
    await settle();
    expect(begun).toEqual(['1', '2', '3', '4']);
    abort.abort(new ServiceError('request.aborted', 'The client closed the connection'));
    await expect(left).rejects.toMatchObject({ code: 'request.aborted' });
    const next = scoreTexts('next', ['0.5'], { tenant: 'a' }, evaluating);
    next.catch(() => {});
    await settle();
    expect(begun).toEqual(['1', '2', '3', '4', 'next']);
  });
});

test('the time that several images took to arrive is the time of the slowest, without the wait for a place', async () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(0);
  onTestFinished(() => now.mockRestore());
  images.load = async (source) => {
    now.mockReturnValue(performance.now() + Number(source));
    return Buffer.from(String(source));
  };
  const { timings } = await evaluation().scoreImages(spec, ['250'], '0.5');
  expect(timings.fetchMs).toBe(250);
});

test('a receipt names the model, its revision, precision and provider, and the preprocessing', () => {
  expect(receiptOf(spec)).toEqual({
    model: 'tiny',
    revision: '1',
    precision: 'fp32',
    provider: 'cpu',
    preprocess: 'pillow-bicubic-3-exact',
    textCleaning: 'openclip-3.3-1',
  });
});
