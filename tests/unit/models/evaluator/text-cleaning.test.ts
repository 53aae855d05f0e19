import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { cleanText } from '../../../../models/evaluator/text-cleaning.ts';

/** What OpenCLIP makes of texts that need cleaning; see TEXTS.md beside them. */
const { texts: goldenTexts } = JSON.parse(
  readFileSync(new URL('../../../golden/clip/texts.json', import.meta.url), 'utf8'),
) as { texts: { about: string; text: string; cleaned: string }[] };

describe('text is cleaned as the reference cleans it', () => {
  test.each(goldenTexts)('$about: $text', ({ text, cleaned }) => {
    expect(cleanText(text)).toBe(cleaned);
  });
});

test('a text decoded in the wrong encoding is not guessed at', () => {
  expect(cleanText('a cafÃ© in Zürich')).toBe('a cafã© in zürich');
});

test('cleaning a clean text changes nothing', () => {
  const clean = cleanText('“Fish &amp; chips” — ﬁne, １２３, cafe\u0301');
  expect(clean).toBe('"fish & chips" — fine, 123, café');
  expect(cleanText(clean)).toBe(clean);
});

test('plain ASCII is cleaned as it would be behind a character that needs repair', () => {
  const ascii = Array.from({ length: 127 - 9 }, (_, at) => String.fromCharCode(at + 9))
    .filter((char) => /[\t\n\f\r -~]/.test(char))
    .join(' A ');
  expect(cleanText(`${ascii} ﬁ`)).toBe(`${cleanText(ascii)} fi`);
});

test('entities nested as deep as a text can hold take no more than a moment', () => {
  const start = performance.now();
  expect(cleanText(`&${'amp;'.repeat(5_000)}`)).toBe('&');
  // Measured: 0.1 s.
  expect(performance.now() - start).toBeLessThan(5_000);
});
