import { expect, test } from 'vitest';
import type { Outcome } from '../../../evaluation/outcome.ts';
import { type Code, itemError } from '../../../shared/errors.ts';
import { createNetworkFault, networkEvidence } from '../../../worker/network-fault.ts';

const item = (host: string) => ({ image: `https://${host}/x.jpg`, text: 't' });
const failed = (code: Code): Outcome => ({ status: 'failed', error: itemError(code, 'm') });
const good: Outcome = { status: 'succeeded', score: 1, cosine: 0.01 };
const hosts = [item('a.org'), item('b.org'), item('c.org')];

test('downloads that all fail for causes of the network, from three hosts, are the worker’s fault', () => {
  expect(
    networkEvidence(hosts, [
      failed('image.fetch.unknown_host'),
      failed('image.fetch.network'),
      failed('image.fetch.timeout'),
    ]),
  ).toBe('lost');
});

test('one download that arrives, or is refused by its host, clears the worker', () => {
  expect(networkEvidence(hosts, [failed('image.fetch.dns'), good, failed('image.fetch.dns')])).toBe('works');
  expect(
    networkEvidence(hosts, [failed('image.fetch.dns'), failed('image.fetch.http_status'), failed('image.fetch.dns')]),
  ).toBe('works');
});

test('one dead host, or two, are theirs', () => {
  const outcomes = [failed('image.fetch.dns'), failed('image.fetch.dns'), failed('image.fetch.dns')];
  expect(networkEvidence([item('a.org'), item('a.org'), item('a.org')], outcomes)).toBe('unknown');
  expect(networkEvidence([item('a.org'), item('b.org'), item('b.org')], outcomes)).toBe('unknown');
});

test('inline images and items that were bad from the start say nothing', () => {
  const items = [...hosts, { image: 'aGVsbG8=', text: 't' }, { error: itemError('item.invalid', 'm') }];
  const dns = failed('image.fetch.dns');
  expect(networkEvidence(items, [dns, dns, dns, good, failed('item.invalid')])).toBe('lost');
});

test('what one tenant finds holds for its own chunks, for a while', () => {
  let time = 0;
  const fault = createNetworkFault(5_000, () => time);
  fault.add('a', 'lost');
  expect([fault.restMs('a'), fault.restMs('b'), fault.isForAll()]).toEqual([5_000, 0, false]);
  fault.add('a', 'lost');
  expect(fault.isForAll()).toBe(false);
  time = 5_000;
  expect(fault.restMs('a')).toBe(0);
});

test('what two tenants find holds for all, until a host answers or a minute has passed', () => {
  let time = 0;
  const fault = createNetworkFault(5_000, () => time);
  for (const tenant of ['a', 'b']) fault.add(tenant, 'lost');
  expect(fault.isForAll()).toBe(true);
  fault.add('c', 'works');
  expect([fault.isForAll(), fault.restMs('a')]).toEqual([false, 0]);
  fault.add('a', 'lost');
  time = 61_000;
  fault.add('b', 'lost');
  expect(fault.isForAll()).toBe(false);
});
