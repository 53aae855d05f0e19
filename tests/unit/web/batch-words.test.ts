import { expect, test } from 'vitest';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import type { ModelInfo } from '../../../shared/contracts/models.ts';
import { scaleOfBatch } from '../../../web/batches/batch-scale.ts';
import { outcomeWords } from '../../../web/batches/explorer/outcome-words.ts';
import { scoreAgainWords, timingsWords } from '../../../web/batches/explorer/score-again-words.ts';
import { nameChange } from '../../../web/batches/name-change.ts';
import {
  type FailedItems,
  hasRate,
  lastingFailuresOf,
  linkWords,
  modelWords,
  originOf,
  restOfRetryWords,
  retriedWords,
  retriesOf,
  retryWords,
  seemSwapped,
  stateWords,
  titleOf,
} from '../../../web/batches/state.ts';
import { reachWord, scoreCountWords } from '../../../web/batches/workbench/words.ts';
import {
  hasWrongPairs,
  postedWords,
  scoredWords,
  wrongPairsName,
} from '../../../web/batches/workbench/wrong-pairs-words.ts';

const items = { total: 10_007, succeeded: 10_000, failed: 7, cancelled: 0, pending: 0 };

test('a finished batch says how many items failed', () => {
  expect(stateWords({ state: 'completed_with_errors', items })).toEqual(['warn', 'done, 7 failed']);
  expect(stateWords({ state: 'completed', items })).toEqual(['good', 'done']);
});

test('the ways to evaluate items again come with their numbers, the most useful first', () => {
  const wordsOf = (failures: object, more: object = {}) =>
    retriesOf({ items: { ...items, ...more }, failures }, null).map(({ words, query }) => `${words} ${query}`);
  expect(wordsOf({ 'image.fetch.timeout': 7 })).toEqual(['Retry 7 that may succeed ?retryable=true']);
  expect(wordsOf({ 'image.fetch.timeout': 3, 'image.corrupt': 4 })).toEqual([
    'Retry 3 that may succeed ?retryable=true',
  ]);
  expect(wordsOf({ 'image.corrupt': 7 })).toEqual([]);
  expect(wordsOf({}, { failed: 0, cancelled: 1_200 })).toEqual(['Continue 1,200 cancelled ?status=cancelled']);
  expect(wordsOf({}, { failed: 0 })).toEqual([]);
});

test('a retry is the first choice unless most failed items would fail again', () => {
  const isFirst = (retryable: number) =>
    retriesOf({ items, failures: { 'image.fetch.timeout': retryable, 'image.corrupt': 7 - retryable } }, null)[0]
      ?.isFirst;
  expect([1, 3, 4, 7].map(isFirst)).toEqual([false, false, true, true]);
});

test('items that would fail again get their next steps, which together count all of them', () => {
  const stepsOf = (failures: object, { failed = 7, ...first }: Partial<FailedItems> & { failed?: number } = {}) => {
    const lasting = lastingFailuresOf({ items: { ...items, failed }, failures }, null, first);
    return lasting && [lasting.words, ...lasting.steps.map((each) => `${each.items}: ${each.step}`)];
  };
  expect(stepsOf({ 'image.fetch.timeout': 7 })).toBeUndefined();
  expect(stepsOf({}, { failed: 0 })).toBeUndefined();
  const command = '“vls batch” (in a checkout “npx vls batch”)';
  expect(
    stepsOf({
      'image.fetch.timeout': 1,
      'image.fetch.http_status': 1,
      'image.fetch.blocked_address': 1,
      'image.file.not_found': 2,
      'image.source_invalid': 1,
      'text.empty': 1,
    }),
  ).toEqual([
    'The other 6 failed items would fail again:',
    '1 image at an address (image.fetch.http_status): replace or restore it at its address.',
    '1 image at an address that is not allowed (image.fetch.blocked_address): an operator can allow hosts with IMAGE_HOSTS_ALLOW.',
    `2 image files (image.file.not_found): replace or restore them, and post them again: with ${command}, run the same command with --again.`,
    `1 image source that is neither an address nor an image (image.source_invalid): use ${command}, which sends local files, or post http(s) addresses.`,
    '1 item that cannot be scored as it is (text.empty): correct the input, and post it again.',
  ]);
  const unusable = { 'image.corrupt': 3, 'image.too_large': 4 };
  expect(stepsOf(unusable)?.[1]).toBe(
    `7 unusable images (image.corrupt, image.too_large): correct them. Post files again: with ${command}, run the same command with --again.`,
  );
  expect(stepsOf(unusable, { origin: 'address' })?.[1]).toBe(
    '7 images at addresses (image.corrupt, image.too_large): replace or restore them at their addresses.',
  );
  expect(stepsOf(unusable, { origin: 'file' })?.[1]).toMatch(
    /^7 image files \(image.corrupt, image.too_large\): replace or restore them/,
  );
  expect(stepsOf(unusable, { origin: 'bytes' })?.[1]).toMatch(/^7 items that cannot be scored as they are/);
});

test('a retry of all failed items is offered only where it may help', () => {
  const retryAllOf = (failures: object, failed = 7) =>
    Object.values(lastingFailuresOf({ items: { ...items, failed }, failures }, null)?.retryAll ?? {}).join('');
  expect(retryAllOf({ 'image.fetch.http_status': 7 })).toBe('After that, retry all 7 failed items.');
  expect(retryAllOf({ 'image.fetch.blocked_address': 1, 'text.empty': 1 }, 2)).toBe(
    'After that, retry both failed items. 1 of them would still fail.',
  );
  expect(retryAllOf({ 'image.file.not_found': 1, 'text.empty': 6 })).toBe('');
  expect(retryAllOf({ 'image.file.not_found': 1, 'image.fetch.tls': 6 })).toBe(
    'After that, retry all 7 failed items. 1 of them would still fail.',
  );
  expect(retryAllOf({ 'image.corrupt': 7 })).toBe(
    'After that, retry all 7 failed items. Files that were sent would still fail, too.',
  );
  expect(retryAllOf({ 'image.source_invalid': 6, 'image.fetch.timeout': 1 })).toBe('');
});

test('invalid image sources whose texts are images have swapped columns', () => {
  expect(seemSwapped([{ text: 'https://a.example/1' }, { text: 'photos/1.jpg' }])).toBe(true);
  expect(seemSwapped([{ text: 'https://a.example/1' }, { text: 'a cat' }])).toBe(false);
  expect([seemSwapped([]), seemSwapped([{}])]).toEqual([false, false]);
  const status = { items, failures: { 'image.source_invalid': 7 } };
  expect(lastingFailuresOf(status, null, { areSwapped: true })?.steps).toEqual([
    { items: '7 items', step: expect.stringContaining('post the file again with these columns exchanged') },
  ]);
});

test('the words about wrong pairs say which number is posted and which is scored', () => {
  const wordsOf = (total: number, failed: number) => postedWords({ items: { ...items, total, failed } });
  const failing = 'Items that failed here are posted too, but most of them fail again and get no score.';
  expect(wordsOf(300, 0)).toBe('300 images, each with the text of another row.');
  expect(wordsOf(300, 4)).toBe(`300 images, each with the text of another row. ${failing}`);
  expect(wordsOf(40_000, 0)).toBe('10,000 of the 40,000 images, each with the text of another row.');
  expect(scoredWords({ total: 300, succeeded: 296 })).toBe('296 scored (300 posted)');
  expect(scoredWords({ total: 300, succeeded: 300 })).toBe('300 scored');
  expect(wrongPairsName({ id: '2f815921-64e4', name: 'web.csv' })).toBe('web.csv, wrong pairs');
  expect(wrongPairsName({ id: '2f815921-64e4', name: null })).toBe('Batch 2f815921, wrong pairs');
});

test('wrong pairs are offered only if an item has the text of another one', () => {
  const offered = (more: object) =>
    hasWrongPairs({ texts: 'own', requests: null, items: { ...items, total: 2 }, ...more } as BatchStatus);
  expect(offered({})).toBe(true);
  expect(offered({ items: { ...items, total: 1 } })).toBe(false);
  expect(offered({ texts: 'others' })).toBe(false);
  expect(offered({ requests: {} })).toBe(false);
});

test('a batch that several models share names their number, the model of each pair, and has no bands', () => {
  const arm = { role: 'main', model: 'compact-1', revision: '1', share: 0.5 } as const;
  const one = { model: 'compact-1', traffic: null };
  const shared = { model: 'compact-1', traffic: [arm, { ...arm, role: 'canary', model: 'altered' } as const] };
  expect([one, shared].map(modelWords)).toEqual(['compact-1', 'compact-1 and 1 more']);
  expect([one, shared].map((each) => scaleOfBatch(each).bands.length)).toEqual([3, 0]);
  expect(scaleOfBatch(shared).note).toMatch(/^Several models share this batch, and scores of different models cannot/);
  expect(scaleOfBatch(shared).threshold).toBe(scaleOfBatch(one).threshold);
  const pair = { index: 0, status: 'succeeded', score: 40, cosine: 0.4 } as ItemResult;
  expect(outcomeWords(pair)).toBe('');
  expect(outcomeWords({ ...pair, model: 'altered', warnings: ['the text was cut'] } as ItemResult)).toBe(
    'altered; the text was cut',
  );
});

test('a link to another batch has its name, or the start of its id', () => {
  const id = '1a2b3c4d-5e6f';
  const other = (name: string | null) => ({ id, name, retryOf: null }) as BatchStatus;
  expect(linkWords(id, other('web.csv'))).toBe('web.csv');
  expect([other(null), undefined].map((each) => linkWords(id, each))).toEqual(['batch 1a2b3c4d', 'batch 1a2b3c4d']);
});

test('a retry is described by its progress, then by its outcome', () => {
  const retry = (more: object, finishedAt: string | null = '2026-01-01T00:00:00Z') => ({
    items: { total: 6, succeeded: 0, failed: 0, cancelled: 0, pending: 0, ...more },
    finishedAt,
  });
  expect(retryWords(retry({ pending: 4, succeeded: 2 }, null), { items })).toBe('2 of 6 done');
  expect(retryWords(retry({ succeeded: 5, failed: 1 }), { items })).toBe('5 succeeded, 1 failed again');
  expect(retryWords(retry({ failed: 6 }), { items })).toBe('6 failed again');
  const cancelled = { items: { ...items, cancelled: 6 } };
  expect(retryWords(retry({ succeeded: 3, failed: 1, cancelled: 2 }), cancelled)).toBe(
    '3 succeeded, 1 failed, 2 cancelled',
  );
});

test('a batch offers no items that its latest retry evaluates or has replaced', () => {
  const failures = { 'image.fetch.timeout': 1, 'image.corrupt': 3 };
  const original = { items: { ...items, failed: 4 }, failures };
  const ended = (total: number, succeeded: number, more: object = {}) => ({
    finishedAt: '2026-01-01T00:00:00Z',
    retryStatus: ['failed' as const],
    items: { total, succeeded, failed: total - succeeded, cancelled: 0, pending: 0 },
    ...more,
  });
  const offered = (retry: Parameters<typeof retriesOf>[1]) => [
    retriesOf(original, retry).map(({ words }) => words),
    lastingFailuresOf(original, retry) !== undefined,
  ];
  const again = [['Retry 1 that may succeed'], true];
  expect(offered(null)).toEqual(again);
  expect(offered(undefined)).toEqual([[], false]);
  expect(offered(ended(4, 2, { finishedAt: null }))).toEqual([[], false]);
  expect(offered(ended(4, 2))).toEqual([[], false]);
  expect(offered(ended(4, 2, { retryStatus: null }))).toEqual([[], false]);
  expect(offered(ended(4, 0))).toEqual(again);
  expect(offered(ended(1, 1))).toEqual([[], true]);
  expect(restOfRetryWords(ended(4, 2), original)).toBe(' Open it to retry the other 2.');
  expect([ended(4, 4), ended(4, 0)].map((retry) => restOfRetryWords(retry, original))).toEqual(['', '']);

  const cancelled = { items: { ...items, failed: 0, cancelled: 6 }, failures: {} };
  expect(retriesOf(cancelled, ended(6, 5, { retryStatus: ['cancelled'] }))).toEqual([]);
  expect(retriesOf(cancelled, ended(6, 0, { retryStatus: ['cancelled'] }))).toHaveLength(1);
});

test('a retry, a rescored batch, wrong pairs and new texts have an origin', () => {
  const none = { retryOf: null, retryStatus: null, rescoreOf: null, texts: 'own', imagesFrom: null } as const;
  expect(originOf(none)).toBeUndefined();
  expect(originOf({ ...none, retryOf: 'a', rescoreOf: 'b' })).toEqual({ id: 'a', words: 'retries' });
  expect(originOf({ ...none, retryOf: 'a', retryStatus: ['cancelled'] })).toEqual({ id: 'a', words: 'continues' });
  expect(originOf({ ...none, rescoreOf: 'b' })).toEqual({ id: 'b', words: 'rescores' });
  expect(originOf({ ...none, rescoreOf: 'b', texts: 'others' })).toEqual({ id: 'b', words: 'wrong pairs of' });
  expect(originOf({ ...none, imagesFrom: 'c' })).toEqual({ id: 'c', words: 'new texts for the images of' });
});

test('a retried batch has the same name in every view, which differs from that of its original', () => {
  expect(titleOf({ id: '1a2b3c4d-5e6f', name: 'web.csv', retryOf: null })).toBe('web.csv');
  expect(titleOf({ id: '1a2b3c4d-5e6f', name: 'web.csv', retryOf: '0f', items })).toBe('web.csv, 10,007 retried');
  expect(titleOf({ id: '1a2b3c4d-5e6f', name: null, retryOf: '0f' })).toBe('Batch 1a2b3c4d, retried');
  const titleOfRetry = (retryStatus: ('failed' | 'cancelled')[] | null) =>
    titleOf({ id: '1a', name: 'web.csv', retryOf: '0f', retryStatus });
  expect(titleOfRetry(['cancelled'])).toBe('web.csv, continued');
  expect(titleOfRetry(['failed', 'cancelled'])).toBe('web.csv, retried');
  expect(titleOfRetry(null)).toBe('web.csv, retried');
});

test('the link from a batch to its retry or its continuation says if that has ended', () => {
  const [finishedAt, cancelled] = ['2026-01-01T00:00:00Z', ['cancelled' as const]];
  expect(retriedWords({ finishedAt: null, retryStatus: ['failed'] })).toBe('Being retried in');
  expect(retriedWords({ finishedAt, retryStatus: ['failed'] })).toBe('Retried in');
  expect(retriedWords({ finishedAt: null, retryStatus: cancelled })).toBe('Being continued in');
  expect(retriedWords({ finishedAt, retryStatus: cancelled })).toBe('Continued in');
});

test('an ended batch without a score has no rate', () => {
  const none = { ...items, succeeded: 0, failed: 10_007 };
  expect(hasRate({ finishedAt: '2026-01-01T00:00:00Z', items: none })).toBe(false);
  expect(hasRate({ finishedAt: '2026-01-01T00:00:00Z', items })).toBe(true);
  expect(hasRate({ finishedAt: null, items: none })).toBe(true);
});

test('the number of scores is marked as preliminary while the batch runs', () => {
  expect(scoreCountWords(1_216, 26.24, true)).toBe('1,216 scores read so far, 26.2 on average');
  expect(scoreCountWords(1_600, 26.24, false)).toBe('1,600 scored, 26.2 on average');
  expect([0, 1, 2].map(reachWord)).toEqual(['reach', 'reaches', 'reach']);
});

test('the receipt of a pair says that its batch stores no timings, and names the control that shows them', () => {
  const pair = { image: 'https://example.org/1.jpg', text: 'a cat', status: 'succeeded' } as const;
  const models = ['m', 'n'].map((model) => ({ model, revision: '1', precision: 'fp32', state: 'loaded' }) as ModelInfo);
  const status = { model: 'm', revision: '1', precision: 'fp32', traffic: null };
  const words = (more: object = {}, usable = models) =>
    timingsWords(scoreAgainWords({ ...pair, ...more }, status, usable));
  expect(words()).toBe('A batch stores no timings. “Score it with another model” shows those of each stage.');
  expect(words({ status: 'failed' })).toBe('A batch stores no timings. “Score it again” shows those of each stage.');
  expect(words({}, models.slice(0, 1))).toBe('A batch stores no timings. “Score it again” shows those of each stage.');
  expect(words({ image: null })).toBe('A batch stores no timings.');
  expect(words({ text: '' })).toBe('A batch stores no timings.');
});

test('a change of name and tags has only what differs, and null for an empty name', () => {
  const status = { name: 'Photos', tags: ['a', 'b'] };
  expect(nameChange(status, { name: ' Photos ', tags: 'a,b' })).toBeUndefined();
  expect(nameChange(status, { name: 'Photos', tags: ' a , c,, ' })).toEqual({ tags: ['a', 'c'] });
  expect(nameChange(status, { name: ' ', tags: 'a, b' })).toEqual({ name: null });
  expect(nameChange(status, { name: 'New', tags: '' })).toEqual({ name: 'New', tags: [] });
  expect(nameChange({ name: null, tags: [] }, { name: '', tags: '' })).toBeUndefined();
});
