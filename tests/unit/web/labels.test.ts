import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { SampleLabels } from '../../../shared/contracts/batch/judgement.ts';
import { createLabelSaver, type Labels } from '../../../web/batches/judge/label-saver.ts';
import type { StoredSample } from '../../../web/batches/judge/labelled-sample.ts';
import { loadSample, type SampleRequests } from '../../../web/batches/judge/load-sample.ts';
import { lateWords, unsavedWords } from '../../../web/batches/judge/unsaved-words.ts';
import { RequestFailed } from '../../../web/http/request-failed.ts';

type Sent = SampleLabels['labels'];

/** A service that answers when the test does. */
function startSaver(unsaved?: Labels) {
  const requests: { labels: Sent; answer: (failure?: RequestFailed) => void }[] = [];
  const waits: { ms: number; end: () => void }[] = [];
  const lates: (() => void)[] = [];
  const kept: [number, string | null][][] = [];
  const saver = createLabelSaver(
    {
      send: (labels) =>
        new Promise((resolve, reject) => {
          requests.push({ labels, answer: (failure) => (failure === undefined ? resolve() : reject(failure)) });
        }),
      keep: (labels) => {
        kept.push([...labels]);
        return true;
      },
      wait: (ms) => new Promise<void>((resolve) => waits.push({ ms, end: resolve })),
      whenLate: (listener) => lates.push(listener),
    },
    unsaved,
  );
  const nth = async <Entry>(entries: readonly Entry[], at: number): Promise<Entry> => {
    await vi.waitUntil(() => entries.length > at);
    return entries[at] as Entry;
  };
  return {
    ...{ saver, requests, kept, lates },
    request: (at: number) => nth(requests, at),
    wait: (at: number) => nth(waits, at),
  };
}
const noAnswer = () => new RequestFailed(0, 'The service does not answer', '');

describe('labels', () => {
  test('are sent at once, and those set meanwhile together after the answer, in their order', async () => {
    const { saver, requests, request } = startSaver();
    saver.set(7, 'right');
    saver.set(3, 'wrong');
    saver.set(9, 'right');
    saver.set(3, null);
    const first = await request(0);
    expect(first.labels).toEqual([{ index: 7, label: 'right' }]);
    first.answer();
    const second = await request(1);
    expect(second.labels).toEqual([
      { index: 3, label: null },
      { index: 9, label: 'right' },
    ]);
    second.answer();
    await vi.waitUntil(() => saver.state.unsaved.size === 0);
    expect(requests).toHaveLength(2);
  });

  test('that were changed while they were sent are sent again', async () => {
    const { saver, request } = startSaver();
    saver.set(7, 'right');
    const first = await request(0);
    saver.set(7, 'wrong');
    first.answer();
    expect((await request(1)).labels).toEqual([{ index: 7, label: 'wrong' }]);
  });

  test('that could not be saved are kept in the browser and sent again, after a pause that grows', async () => {
    const { saver, kept, request, wait } = startSaver();
    saver.set(7, 'right');
    (await request(0)).answer(noAnswer());
    const pause = await wait(0);
    expect(unsavedWords(saver.state)).toBe(
      '1 label is not stored yet. The service does not answer. The page tries again.',
    );
    expect(kept.at(-1)).toEqual([[7, 'right']]);
    expect(lateWords(saver.state)).toBeUndefined();
    saver.set(3, 'wrong');
    pause.end();
    const second = await request(1);
    expect(second.labels.map(({ index }) => index)).toEqual([7, 3]);
    second.answer(noAnswer());
    const longer = await wait(1);
    expect(longer.ms).toBeGreaterThan(pause.ms);
    longer.end();
    (await request(2)).answer();
    await vi.waitUntil(() => saver.state.unsaved.size === 0);
    expect(unsavedWords(saver.state)).toBeUndefined();
    expect(kept.at(-1)).toEqual([]);
  });

  test('without an answer for 2 s are late until all are stored', async () => {
    const { saver, lates, request } = startSaver();
    const words: (string | undefined)[] = [];
    saver.follow(() => words.push(lateWords(saver.state)));
    saver.set(7, 'right');
    const first = await request(0);
    lates[0]?.();
    await vi.waitUntil(() => saver.state.isLate);
    saver.set(3, 'wrong');
    expect(words.splice(0)).toEqual([undefined, '1 not stored yet', '2 not stored yet']);
    first.answer();
    (await request(1)).answer();
    await vi.waitUntil(() => saver.state.unsaved.size === 0);
    // The request was answered before this time ended.
    lates[1]?.();
    saver.set(9, 'right');
    await request(2);
    expect(words).toEqual(['1 not stored yet', undefined, undefined]);
  });

  test('of an earlier visit are sent first', async () => {
    const { request } = startSaver(new Map([[5, 'right' as const]]));
    expect((await request(0)).labels).toEqual([{ index: 5, label: 'right' }]);
  });

  test('of a sample that was replaced are not sent again', async () => {
    const { saver, requests, kept, request } = startSaver();
    saver.set(7, 'right');
    (await request(0)).answer(new RequestFailed(409, 'The batch has another sample of judged pairs, or none', ''));
    await vi.waitUntil(() => saver.state.isRefused);
    saver.set(8, 'right');
    expect(requests).toHaveLength(1);
    expect(kept.at(-1)).toEqual([]);
  });
});

describe('the sample of a batch', () => {
  const id = 'b1';
  const former = {
    edges: [0, 20],
    pairs: [
      { index: 4, id: 'a', score: 30, image: null, text: 'a cat', isRight: true },
      { index: 2, id: 'b', score: 20, image: null, text: 'a dog' },
    ],
  };
  let stored: Map<string, string>;
  let started: object[];
  /** The sample that the service has. */
  let sample: StoredSample | undefined;
  const requests: SampleRequests = {
    read: async () => sample,
    async start(start) {
      started.push(start);
      sample = { sample: 's1', pairs: [] };
      return 's1';
    },
  };

  beforeEach(() => {
    stored = new Map();
    started = [];
    sample = undefined;
    vi.stubGlobal('localStorage', {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => stored.set(key, value),
      removeItem: (key: string) => stored.delete(key),
    });
  });

  test('is that of an earlier release of the page, which is moved to the service once, with its labels', async () => {
    stored.set('judged:b1', JSON.stringify(former));
    expect((await loadSample(id, requests))?.sample).toBe('s1');
    expect(started).toEqual([{ edges: [0, 20], indexes: [4, 2] }]);
    expect([...stored]).toEqual([['unsaved-labels:b1', JSON.stringify({ sample: 's1', labels: [[4, 'right']] })]]);
    await loadSample(id, requests);
    expect(started).toHaveLength(1);
  });

  test('is that of the service where there is one, and the former one stays in the browser', async () => {
    sample = { sample: 's0', pairs: [] };
    stored.set('judged:b1', JSON.stringify(former));
    expect((await loadSample(id, requests))?.sample).toBe('s0');
    expect(started).toEqual([]);
    expect(stored.has('judged:b1')).toBe(true);
  });

  test('is that of another person who has begun one at the same time', async () => {
    stored.set('judged:b1', JSON.stringify(former));
    const start = async () => {
      sample = { sample: 's0', pairs: [] };
      throw new RequestFailed(409, 'The batch has another sample of judged pairs, or none', '');
    };
    expect((await loadSample(id, { ...requests, start }))?.sample).toBe('s0');
    expect(stored.has('judged:b1')).toBe(true);
  });

  test('is not made of the labels of a column', async () => {
    const pairs = former.pairs.map((pair) => ({ ...pair, text: '', isRight: true }));
    stored.set('judged:b1', JSON.stringify({ ...former, pairs }));
    expect(await loadSample(id, requests)).toBeUndefined();
    expect(started).toEqual([]);
  });
});
