import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { rememberedThreshold, rememberThreshold } from '../../../web/batches/workbench/remembered-thresholds.ts';

const stored = new Map<string, string>();
beforeEach(() => {
  stored.clear();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
  });
});
afterEach(() => vi.unstubAllGlobals());

test('the last threshold of a batch is remembered, and those of the batches that were not opened for longest are forgotten', () => {
  expect(rememberedThreshold('b0')).toBeUndefined();
  for (let at = 0; at < 200; at++) rememberThreshold(`b${at}`, at / 10);
  rememberThreshold('b0', 30);
  rememberThreshold('new', 41.5);
  expect(rememberedThreshold('b0')).toBe(30);
  expect(rememberedThreshold('b1')).toBeUndefined();
  expect(rememberedThreshold('new')).toBe(41.5);
});

test('a storage with other content, or one that is full, is no error', () => {
  stored.set('thresholds', '{"b0": 3}');
  expect(rememberedThreshold('b0')).toBeUndefined();
  stored.set('thresholds', 'not JSON');
  expect(rememberedThreshold('b0')).toBeUndefined();
  vi.stubGlobal('localStorage', {
    getItem: () => null,
    setItem: () => {
      throw new Error('full');
    },
  });
  expect(() => rememberThreshold('b0', 3)).not.toThrow();
});
