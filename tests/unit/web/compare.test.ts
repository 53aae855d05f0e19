import { expect, test } from 'vitest';
import type { BatchList } from '../../../shared/contracts/batch/list.ts';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { BatchComparison, Disagreement } from '../../../shared/contracts/comparison.ts';
import type { ModelInfo } from '../../../shared/contracts/models.ts';
import { haveSameScale } from '../../../shared/same-scale.ts';
import { agreementWords, followedWords } from '../../../web/batches/compare/agreement-words.ts';
import { distinctOf } from '../../../web/batches/compare/distinct-disagreements.ts';
import { emptyWords } from '../../../web/batches/compare/empty-words.ts';
import { otherModels, usableOf } from '../../../web/batches/compare/other-models.ts';
import {
  candidatesOf,
  labelsOf,
  listQueryOf,
  type Names,
  namesOf,
  optionWords,
  unmatchedQueryOf,
} from '../../../web/batches/compare/query.ts';
import { rankWords } from '../../../web/batches/compare/rank-words.ts';
import { noChoiceWords, readCandidates } from '../../../web/batches/compare/read-candidates.ts';
import { chooseBatch, doubtWords, matchItems } from '../../../web/batches/compare/same-items.ts';
import { apiQuery, isFiltered, readQuery } from '../../../web/batches/explorer/query.ts';
import { modelToScoreAgain } from '../../../web/batches/explorer/score-again-words.ts';
import { upperLimit } from '../../../web/ui/numbers.ts';

const batch = (id: string, more: object = {}): BatchStatus =>
  ({
    id,
    name: id,
    model: 'm',
    state: 'completed',
    texts: 'own',
    rescoreOf: null,
    retryOf: null,
    imagesFrom: null,
    items: { total: 10, succeeded: 9 },
    ...more,
  }) as BatchStatus;

test('batches with as many items are offered, those of the same origin first', () => {
  const own = batch('own');
  const others = [
    batch('same length'),
    batch('short', { items: { total: 9, succeeded: 9 } }),
    batch('failed', { items: { total: 10, succeeded: 0 } }),
    own,
    batch('child', { rescoreOf: 'own' }),
  ];
  expect(candidatesOf(own, others).map(({ id }) => id)).toEqual(['child', 'same length']);
  const child = others.at(-1);
  expect(candidatesOf(child as BatchStatus, others).map(({ id }) => id)).toEqual(['own', 'same length']);
});

test('an old batch with as many items is offered, and a list that has not arrived is not called empty', async () => {
  const pages = [{ batches: [batch('recent')], next: '1' }, { batches: [], next: '2' }, { batches: [batch('old')] }];
  const read = await readCandidates(async (cursor = '0') => ({ next: null, ...pages[Number(cursor)] }) as BatchList);
  expect(candidatesOf(batch('own'), read).map(({ id }) => id)).toEqual(['recent', 'old']);
  expect(noChoiceWords(undefined, false)).toBe('Loading…');
  expect(noChoiceWords(undefined, true)).toBe('the list of batches is not available');
  expect(noChoiceWords([], false)).toBe('no other batch of these items');
  expect(noChoiceWords([batch('unrelated')], false)).toBe('choose a batch');
});

test('items at the same position are other items if their ids, or both image and text, differ', () => {
  const item = (more: object, index = 0) => ({ index, image: 'a', text: 'cat', ...more });
  const matched = (here: object, there: object) => {
    const { looked, differences } = matchItems([item(here)], [item(there)]);
    return looked === 0 ? 'unknown' : (differences[0] ?? 'same');
  };
  const bytes = { image: null };
  expect([
    matched({ text: 'dog' }, {}),
    matched({ image: 'b' }, {}),
    matched({ image: 'b', text: 'dog' }, {}),
    matched({ image: null, imagePath: 'b', text: 'dog' }, {}),
    matched({ id: '1' }, { id: '2' }),
    matched({ id: '1' }, { image: 'b' }),
    matched({ id: '1', image: 'b', text: 'dog' }, { id: '1' }),
    matched({ id: '1', ...bytes }, { id: '1', ...bytes, text: 'dog' }),
    matched(bytes, { ...bytes, text: 'dog' }),
    matched({ ...bytes, text: '' }, { ...bytes, text: '' }),
  ]).toEqual([
    'same',
    'same',
    'image and text',
    'image and text',
    'id',
    'same',
    'image and text',
    'same',
    'text',
    'unknown',
  ]);
  expect(matchItems([item({}, 3)], [item({ id: 'x' }, 4)])).toEqual({ looked: 0, differences: [] });
});

test('batches whose items differ are doubted, except new texts for the images of a batch', () => {
  const [own, other, newTexts] = [batch('own'), batch('other'), batch('texts', { imagesFrom: 'own' })] as const;
  const words = (there: BatchStatus, ...differences: ReturnType<typeof matchItems>['differences']) =>
    doubtWords(own, there, { looked: 50, differences });
  expect(words(other)).toBe(undefined);
  expect(words(other, 'id')).toBe(
    '1 of the first 50 items has another id in the other batch. Are these the same items? They are matched by their position.',
  );
  expect(words(newTexts, 'image and text', 'text', 'id')).toMatch(
    /^2 of .* have another image and text or another id in/,
  );
  expect(words(newTexts, 'text', 'text')).toBe(undefined);
});

test('a batch of the same origin, or with the same first items, is compared at once, others only by choice', async () => {
  const items = { own: 'cat', copy: 'cat', 'same length': 'dog', empty: '' };
  const read: string[] = [];
  const chosen = async (of: BatchStatus, ...candidates: BatchStatus[]) => {
    read.length = 0;
    const found = await chooseBatch(of, candidates, async (id) => {
      read.push(id);
      return [{ index: 0, image: null, text: items[id as keyof typeof items] }];
    });
    return [found, ...read];
  };
  const [own, copy, unrelated, empty] = [batch('own'), batch('copy'), batch('same length'), batch('empty')];
  expect(await chosen(own)).toEqual([undefined]);
  expect(await chosen(own, unrelated, copy)).toEqual(['copy', 'own', 'same length', 'copy']);
  expect(await chosen(own, unrelated)).toEqual([undefined, 'own', 'same length']);
  expect(await chosen(empty, batch('empty too'))).toEqual([undefined, 'empty', 'empty too']);
  for (const relation of ['rescoreOf', 'retryOf', 'imagesFrom']) {
    expect(await chosen(own, unrelated, batch('child', { [relation]: 'own' })), relation).toEqual(['child']);
    expect(await chosen(batch('child', { [relation]: 'own' }), own), relation).toEqual(['own']);
  }
  const [child, sibling] = [batch('child', { rescoreOf: 'own' }), batch('sibling', { rescoreOf: 'own' })];
  expect(await chosen(child, sibling)).toEqual(['sibling']);
  expect(await chosen(own, batch('wrong pairs', { rescoreOf: 'own', texts: 'others' }))).toEqual([undefined]);
});

test('batches of the same name and model are told apart by their ids, and each shows its number of scores', () => {
  const createdAt = new Date().toISOString();
  const [one, two, other] = [
    batch('11111111-a', { name: 'web.csv', createdAt, texts: 'own' }),
    batch('22222222-b', { name: 'web.csv', createdAt, texts: 'own', items: { total: 10, succeeded: 4 } }),
    batch('33333333-c', { name: 'web.csv', createdAt, texts: 'own', model: 'n' }),
  ] as const;
  const words = (each: BatchStatus) =>
    optionWords(each, [one, two, other], ({ name }) => name ?? '').replaceAll(/[\u2068\u2069]/g, '');
  expect(words(one)).toBe('web.csv, 11111111, m, 9 scored, just now');
  expect(words(two)).toBe('web.csv, 22222222, m, 4 scored, just now');
  expect(words(other)).toBe('web.csv, n, 9 scored, just now');
  expect(words({ ...other, name: 'web.csv, n' })).toBe('web.csv, n, 9 scored, just now');
  expect(words({ ...other, name: 'web.csv, wrong pairs', texts: 'others' })).toBe(
    'web.csv, wrong pairs, n, 9 scored, just now',
  );
});

test('the model of a batch is not offered for its items, unless its revision or precision has changed', () => {
  const model = (name: string, more: object = {}) =>
    ({ model: name, revision: '1', precision: 'fp32', profiles: [], ...more }) as unknown as ModelInfo;
  const status = { model: 'm', revision: '1', precision: 'fp32', traffic: null };
  const names = (...models: ModelInfo[]) => otherModels(status, models).map((each) => each.model);
  expect(names(model('m'), model('n'))).toEqual(['n']);
  expect(names(model('m', { precision: null }))).toEqual([]);
  expect(names(model('m', { revision: '2' }))).toEqual(['m']);
  expect(names(model('m', { precision: 'int8' }))).toEqual(['m']);
});

test('without another usable model, the page does not propose to score the items with one', () => {
  const model = (state: string) => ({ model: 'n', profiles: [], state }) as unknown as ModelInfo;
  expect([usableOf([model('absent')]), usableOf([model('loaded')])]).toEqual([undefined, 'n']);
  expect(emptyWords(0, false, false).advice).not.toMatch(/model/);
  expect(emptyWords(0, true, false).advice).toMatch(
    /^Score its items with another model, or post the same file again:/,
  );
  expect(emptyWords(0, true, true).advice).toMatch(/^When this batch has ended, score its items with another model/);
});

test('a scored pair is scored again by another model, a failed one by that of its batch', () => {
  const model = (name: string, state = 'loaded') =>
    ({ model: name, revision: '1', precision: 'fp32', profiles: [], state }) as unknown as ModelInfo;
  const models = [model('m'), model('absent', 'absent'), model('n')];
  const status = { model: 'm', revision: '1', precision: 'fp32', traffic: null };
  expect(modelToScoreAgain(status, { status: 'succeeded' }, models)).toBe('n');
  expect(modelToScoreAgain(status, { status: 'failed' }, models)).toBe('m');
  expect(modelToScoreAgain(status, { status: 'succeeded' }, [model('m'), model('n', 'failed')])).toBe('m');
  expect(modelToScoreAgain(status, { status: 'failed' }, [model('m', 'absent'), model('n')])).toBe('');
  const shared = { ...status, traffic: [] };
  expect(modelToScoreAgain(shared, { status: 'succeeded', model: 'm' }, models)).toBe('n');
  expect(modelToScoreAgain(shared, { status: 'succeeded', model: 'n' }, models)).toBe('m');
});

test('two batches are named by their models, or by their own names when the models are the same', () => {
  const titleOf = ({ name }: BatchStatus) => name ?? '';
  expect(namesOf(batch('a'), batch('b', { model: 'n' }), titleOf)).toEqual(['m', 'n']);
  expect(namesOf(batch('a'), batch('b'), titleOf)).toEqual(['a', 'b']);
  expect(namesOf(batch('a', { traffic: [] }), batch('b', { model: 'n' }), titleOf)).toEqual(['a', 'b']);
});

test('names that begin alike have labels that differ in the characters that a narrow page shows', () => {
  const labels = (...names: Names) => labelsOf(names).map((each) => each.replace('\u2060', ''));
  expect(labels('photos', 'photos, other captions')).toEqual(['photos', 'photos, other captions']);
  expect(labels('nightly catalogue 2026-11-27', 'nightly catalogue 2026-11-28')).toEqual([
    ...['…2026-11-27', '…2026-11-28'],
  ]);
  expect(labels('clip-vit-large-patch14', 'clip-vit-large-patch14-336')).toEqual(['…ge-patch14', '…ge-patch14-336']);
  expect(labels('clip-vit-large-patch14-336', 'clip-vit-large-patch14')).toEqual(['…ge-patch14-336', '…ge-patch14']);
  expect(labels('same', 'same')).toEqual(['this batch', 'the other batch']);
  const alike = ['🐱'.repeat(12), 'x'.repeat(150), 'nightly catalogue of products'];
  for (const [here, there] of alike.map((each) => labels(each, `${each} b`))) {
    expect(here?.length).toBeLessThanOrEqual(21);
    expect(there?.startsWith(`${here}`)).toBe(true);
    expect(here?.isWellFormed()).toBe(true);
  }
});

test('a side leads to the list of its pairs, and the list asks the service for both limits', () => {
  const asked = readQuery(new URLSearchParams(listQueryOf('onlyThis', 'b', 28, 40.5)));
  expect(isFiltered(asked)).toBe(true);
  expect(apiQuery(asked)).toEqual({ sort: '-score', minScore: '28', other: 'b', otherMaxScore: '40.4999' });
  const neither = apiQuery(readQuery(new URLSearchParams(listQueryOf('neither', 'b', 28, 40.5))));
  expect(neither).toMatchObject({ maxScore: '27.9999', otherMaxScore: '40.4999' });
});

test('the pairs with a score in only one batch are a list that asks the service for them', () => {
  const asked = readQuery(new URLSearchParams(unmatchedQueryOf('b', 28)));
  expect(isFiltered(asked)).toBe(true);
  expect(apiQuery(asked)).toEqual({ sort: '-score', minScore: '28', other: 'b', otherScored: 'false' });
  expect(apiQuery(readQuery(new URLSearchParams('otherScored=false')))).toEqual({});
});

test('duplicates are grouped by the service, and a group is a list of its own', () => {
  const query = (text: string) => apiQuery(readQuery(new URLSearchParams(text)));
  expect(query('distinct=image&sort=-score')).toEqual({ distinct: 'image', sort: '-score' });
  expect(query('samePairAs=0&min=40')).toEqual({ samePairAs: '0', minScore: '40' });
  expect(query('distinct=everything')).toEqual({});
  expect(isFiltered(readQuery(new URLSearchParams('sameImageAs=0')))).toBe(true);
});

test('a rank is shown as the share of better or of lower pairs', () => {
  expect(rankWords(0.97)).toBe('best 3\u00a0%');
  expect(rankWords(1)).toBe('best 1\u00a0%');
  expect(rankWords(0.12)).toBe('lowest 12\u00a0%');
});

test('equal orders and equal scores are distinguished from nearly equal ones', () => {
  const equal = { rankCorrelation: 1, meanAbsoluteDifference: 0, disagreements: { higherHere: [], higherThere: [] } };
  const differing = { higherHere: [{}], higherThere: [{}] } as unknown as typeof equal.disagreements;
  expect(agreementWords(equal)).toBe('all scores are equal');
  expect(agreementWords({ ...equal, rankCorrelation: null })).toBe('all scores are equal');
  expect(agreementWords({ ...equal, meanAbsoluteDifference: 3 })).toBe('the same order');
  expect(agreementWords({ ...equal, disagreements: differing })).toBe('nearly the same order');
  expect(agreementWords({ ...equal, rankCorrelation: null, disagreements: differing })).toBe(undefined);
});

test('a pair that several items repeat is one disagreement', () => {
  const pair = (index: number, score: number, text = 'a cat') =>
    ({ index, score, otherScore: 9, text }) as unknown as Disagreement;
  const pairs = [pair(0, 40), pair(6, 40), pair(7, 40, 'a dog'), pair(12, 40), pair(18, 39)];
  expect(distinctOf(pairs).map(({ index }) => index)).toEqual([0, 7, 18]);
});

test('a correlation below 0 is as weak as the same one above 0', () => {
  const words = (rankCorrelation: number) =>
    agreementWords({
      rankCorrelation,
      meanAbsoluteDifference: 3,
      disagreements: { higherHere: [{}], higherThere: [] } as unknown as BatchComparison['disagreements'],
    });
  expect([0.25, 0.19, -0.19, -0.25, -0.49].map(words)).toEqual([
    ...['little in common', 'nothing in common', 'nothing in common', 'little in common', 'little in common'],
  ]);
  expect([0.79, -0.79, -0.8, -1].map(words)).toEqual([
    ...['partly different orders', 'partly opposite orders', 'opposite orders', 'opposite orders'],
  ]);
});

test('the second threshold is the first for one model, and otherwise names both counts when equal scores make them differ', () => {
  const words = (onlyThis: number, onlyOther: number, isSameScale = false) =>
    followedWords({ both: 100, onlyThis, onlyOther }, 900, ['a', 'b'], isSameScale).replaceAll(/[\u2068\u2069]/g, '');
  expect(words(5, 5)).toBe(
    'The second threshold follows the first: of the 900 items that both batches scored, each keeps 105.',
  );
  expect(words(195, 54)).toBe(
    'The second threshold follows the first. Equal scores prevent the same number: of the 900 items that both batches scored, a keeps 295, b 154.',
  );
  expect(words(5, 5, true)).toBe(
    'One model scored both batches, so they have the same threshold: of the 900 items that both batches scored, a keeps 105, b 105.',
  );
});

test('scores are compared directly only if one revision of one model computed all of them', () => {
  const scored = (more: object = {}) => batch('a', { revision: '1', traffic: null, ...more });
  expect(haveSameScale(scored(), scored())).toBe(true);
  for (const other of [{ model: 'n' }, { revision: '2' }, { traffic: [] }]) {
    expect(haveSameScale(scored(), scored(other))).toBe(false);
  }
});

test('an upper limit just below a shorter number is shown as that number', () => {
  expect(upperLimit(27.9999)).toEqual({ word: 'below', value: '28' });
  expect(upperLimit(40.4999)).toEqual({ word: 'below', value: '40.5' });
  expect(upperLimit(40.5)).toEqual({ word: 'to', value: '40.5' });
  expect(upperLimit(28)).toEqual({ word: 'to', value: '28' });
});

test('a list has a first row from its URL only if it is a row', () => {
  const rowOf = (row: string) => readQuery(new URLSearchParams({ row })).row;
  expect(rowOf('6997')).toBe(6997);
  for (const row of ['', '0', '-3', '1.5', 'x', '1e999']) expect(rowOf(row), row).toBeUndefined();
});
