import { expect, test } from 'vitest';
import type { Outcome } from '../../../evaluation/evaluation.ts';
import { type Code, itemError } from '../../../shared/errors.ts';
import { hasNoNetwork } from '../../../worker/network-fault.ts';

const item = (host: string) => ({ image: `https://${host}/x.jpg`, text: 't' });
const failed = (code: Code): Outcome => ({ status: 'failed', error: itemError(code, 'm') });
const good: Outcome = { status: 'succeeded', score: 1, cosine: 0.01 };
const hosts = [item('a.org'), item('b.org'), item('c.org')];

test('downloads that all fail for causes of the network, from three hosts, are the worker’s fault', () => {
  expect(
    hasNoNetwork(hosts, [failed('image.fetch.dns'), failed('image.fetch.network'), failed('image.fetch.timeout')]),
  ).toBe(true);
});

test('one download that arrives, or is refused by its host, clears the worker', () => {
  expect(hasNoNetwork(hosts, [failed('image.fetch.dns'), good, failed('image.fetch.dns')])).toBe(false);
  expect(
    hasNoNetwork(hosts, [failed('image.fetch.dns'), failed('image.fetch.http_status'), failed('image.fetch.dns')]),
  ).toBe(false);
});

test('one dead host, or two, are theirs', () => {
  const outcomes = [failed('image.fetch.dns'), failed('image.fetch.dns'), failed('image.fetch.dns')];
  expect(hasNoNetwork([item('a.org'), item('a.org'), item('a.org')], outcomes)).toBe(false);
  expect(hasNoNetwork([item('a.org'), item('b.org'), item('b.org')], outcomes)).toBe(false);
});

test('inline images and items that were bad from the start say nothing', () => {
  const items = [...hosts, { image: 'aGVsbG8=', text: 't' }, { error: itemError('item.invalid', 'm') }];
  const dns = failed('image.fetch.dns');
  expect(hasNoNetwork(items, [dns, dns, dns, good, failed('item.invalid')])).toBe(true);
});
