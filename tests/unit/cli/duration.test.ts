import { expect, test } from 'vitest';
import { parseDuration, parseMoment } from '../../../cli/duration.ts';

test.each([
  ['0', 0],
  ['45s', 45_000],
  ['30m', 1_800_000],
  ['24h', 86_400_000],
  ['90d', 7_776_000_000],
  ['2w', 1_209_600_000],
])('%s is %i ms', (text, expected) => expect(parseDuration(text)).toBe(expected));

test.each(['', '24', 'h', '-1h', '1.5h', '1y', '1000000d', ' 1h', 'soon'])('%j is not a duration', (text) => {
  expect(() => parseDuration(text)).toThrow('is not a duration such as 24h');
});

const now = Date.parse('2026-06-01T12:00:00Z');
test.each([
  ['1h', '2026-06-01T13:00:00.000Z'],
  ['2026-06-02', '2026-06-02T00:00:00.000Z'],
  ['2026-06-01T13:00Z', '2026-06-01T13:00:00.000Z'],
  ['2026-06-01T13:00:00+02:00', undefined],
  ['2026-06-01', undefined],
  ['2026-13-01', undefined],
  ['0', undefined],
])('%s is %s', (text, expected) => {
  if (expected === undefined) expect(() => parseMoment(text, now)).toThrow(/is in the past|is not a date/);
  else expect(parseMoment(text, now).toISOString()).toBe(expected);
});
