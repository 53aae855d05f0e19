import { describe, expect, test } from 'vitest';
import { isShared, modelsOf, profileEntry } from '../../../../models/registry/traffic.ts';

const faultOf = (entry: unknown): string => {
  const parsed = profileEntry.safeParse(entry);
  return parsed.success ? 'none' : parsed.error.issues.map(({ message }) => message).join('; ');
};

describe('a profile in a registry file', () => {
  test('is the name of a model, which then has all of its traffic', () => {
    const rules = profileEntry.parse('vit-b-32');
    expect(rules).toEqual({ model: 'vit-b-32', split: {} });
    expect(isShared(rules)).toBe(false);
  });

  test('may have rules, with defaults for what they leave out', () => {
    const rules = profileEntry.parse({ model: 'a', split: { b: 0.2 }, canary: { model: 'c' }, shadow: { model: 'd' } });
    expect(rules).toEqual({
      model: 'a',
      split: { b: 0.2 },
      canary: {
        model: 'c',
        share: 0.05,
        compare: 0.5,
        window: { items: 500, seconds: 3600 },
        promoteAfter: 3,
        guard: { errorShare: 0.02, latencyRatio: 2, scoreDrift: 1, rankCorrelation: 0.9 },
      },
      shadow: { model: 'd', share: 0.01 },
    });
    expect(modelsOf(rules)).toEqual(['a', 'b', 'c', 'd']);
  });

  test.each([
    [{ model: 'a', split: { b: 0.6, c: 0.4 } }, /leave nothing for a/],
    [{ model: 'a', split: { b: 0.6 }, canary: { model: 'c', share: 0.4 } }, /leave nothing for a/],
    [{ model: 'a', split: { a: 0.5 } }, /gets the remaining share/],
    [{ model: 'a', canary: { model: 'a' } }, /already has a role/],
    [{ model: 'a', split: { b: 0.1 }, shadow: { model: 'b' } }, /already has a role/],
    [{ model: 'a', canary: { model: 'b', share: 0.6 } }, /0\.5/],
    [{ model: 'a', canary: { model: 'b', gard: {} } }, /gard/],
    [{ split: { b: 0.1 } }, /expected string/],
    [7, /expected object/],
    ['', /./],
  ])('is refused as %j', (entry, fault) => {
    expect(faultOf(entry)).toMatch(fault);
  });
});
