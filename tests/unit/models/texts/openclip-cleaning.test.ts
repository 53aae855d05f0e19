import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { cleanLikeOpenClip } from '../../../../models/texts/openclip-cleaning.ts';

/** OpenCLIP's results for texts that need cleaning; see TEXTS.md in the same folder. */
const { texts: goldenTexts } = JSON.parse(
  readFileSync(new URL('../../../golden/clip/texts.json', import.meta.url), 'utf8'),
) as { texts: { about: string; text: string; cleaned: string }[] };

describe('text is cleaned as the reference cleans it', () => {
  test.each(goldenTexts)('$about: $text', ({ text, cleaned }) => {
    expect(cleanLikeOpenClip(text)).toBe(cleaned);
  });
});

test('a text decoded in the wrong encoding is not guessed at', () => {
  expect(cleanLikeOpenClip('a cafÃ© in Zürich')).toBe('a cafã© in zürich');
});

test('cleaning a clean text changes nothing', () => {
  const clean = cleanLikeOpenClip('“Fish &amp; chips” — ﬁne, １２３, cafe\u0301');
  expect(clean).toBe('"fish & chips" — fine, 123, café');
  expect(cleanLikeOpenClip(clean)).toBe(clean);
});

test('plain ASCII is cleaned as it would be behind a character that needs repair', () => {
  const ascii = Array.from({ length: 127 - 9 }, (_, at) => String.fromCharCode(at + 9))
    .filter((char) => /[\t\n\f\r -~]/.test(char))
    .join(' A ');
  expect(cleanLikeOpenClip(`${ascii} ﬁ`)).toBe(`${cleanLikeOpenClip(ascii)} fi`);
});

/** The text as it is after its "&" has been encoded so many times over. */
const nested = (text: string, levels: number) => text.replaceAll('&', `&${'amp;'.repeat(levels)}`);

test('entities nested as deep as a text can hold cost no more rounds than a few', () => {
  const normalize = vi.spyOn(String.prototype, 'normalize');
  expect(cleanLikeOpenClip(nested('&', 40_500))).toBe('&');
  // Once in each round; without a bound there were 40,500, and they took 12 s.
  expect(normalize.mock.calls.length).toBeLessThan(30);
  normalize.mockRestore();
});

test('entities nested deeper than the bound of rounds are decoded as the others are', () => {
  const parts = fc.constantFrom(
    '&',
    '&lt',
    ';',
    '#',
    '38',
    'amp;',
    '&semi;',
    '&#x26;',
    '&EACUTE;',
    '&#8217;',
    'é',
    ' ',
    'x',
    '\u0301',
    '＆',
  );
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 20 }), (some) => {
      const text = some.join('');
      expect(cleanLikeOpenClip(nested(text, 40))).toBe(cleanLikeOpenClip(nested(text, 5)));
    }),
  );
});

test('the beginning of a text is cleaned as part of the whole text', () => {
  const text = 'fish &amp;amp; chips &amp;lt; <b>';
  expect(cleanLikeOpenClip(text, 20)).toBe(cleanLikeOpenClip(text).slice(0, 12));
  expect(cleanLikeOpenClip('a &amp;amp;amp; b < c', 17)).not.toBe(cleanLikeOpenClip('a &amp;amp;amp; b'));
});
