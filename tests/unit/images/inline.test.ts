import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { decodeBase64, decodeDataUri } from '../../../images/inline.ts';

const maxBytes = 1_000;
// 0xfb 0xff 0xfe: + and / in base64, - and _ in base64url.
const bytes = Uint8Array.of(0xfb, 0xff, 0xfe, 0x00, 0x01);

test.each([
  ['base64', '+//+AAE='],
  ['base64 without padding', '+//+AAE'],
  ['base64url', '-__-AAE'],
  ['base64 in lines', '+//+\r\nAAE=\r\n'],
  ['base64 with spaces and tabs', ' +//+\tAAE= '],
])('%s becomes bytes', (_what, text) => {
  expect(Uint8Array.from(decodeBase64(text, maxBytes))).toEqual(bytes);
});

test.each([
  ['a path with a dot', 'photos/cat.jpg'],
  ['a sentence', 'not an image!'],
  ['padding in the middle', 'AA==AA=='],
  ['three padding characters', 'A==='],
  ['letters beyond ASCII', 'ÄÖÜß'],
  ['a NUL', 'AAAA\0'],
  ['nothing', ''],
  ['white space', ' \n'],
  ['a single character, which carries no whole byte', 'A'],
])('%s is not base64', (_what, text) => {
  expect(() => decodeBase64(text, maxBytes)).toThrow(expect.objectContaining({ code: 'image.source_invalid' }));
});

test('the largest image passes and one byte more does not', () => {
  expect(decodeBase64(Buffer.alloc(maxBytes).toString('base64'), maxBytes)).toHaveLength(maxBytes);
  expect(() => decodeBase64(Buffer.alloc(maxBytes + 1).toString('base64'), maxBytes)).toThrow(
    expect.objectContaining({ code: 'image.too_large' }),
  );
});

test('the largest image passes in lines of 76 characters', () => {
  const lines = Buffer.alloc(maxBytes)
    .toString('base64')
    .replace(/.{76}/g, (line) => `${line}\r\n`);
  expect(decodeBase64(lines, maxBytes)).toHaveLength(maxBytes);
});

test('a text that is far too long is too large, with any content', () => {
  expect(() => decodeBase64('!'.repeat(10 * maxBytes), maxBytes)).toThrow(
    expect.objectContaining({ code: 'image.too_large' }),
  );
});

test('the check for invalid characters takes linear time', () => {
  // In a process of its own, which can be killed: in quadratic time, this text takes a quarter of an hour.
  const { stdout } = spawnSync(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `import { decodeBase64 } from ${JSON.stringify(new URL('../../../images/inline.ts', import.meta.url).href)};
       try { decodeBase64('A' + ' '.repeat(2_000_000) + '!', 2_000_000); } catch (error) { console.log(error.code); }`,
    ],
    { encoding: 'utf8', timeout: 10_000, killSignal: 'SIGKILL' },
  );
  expect(stdout.trim()).toBe('image.source_invalid');
});

test.each([
  'data:image/png;base64,+//+AAE=',
  'data:;base64,+//+AAE=',
  'data:image/png;charset=utf-8;BASE64,-__-AAE',
  'DATA:text/plain;base64,+//+AAE=',
  'data:image/png; base64 ,+//+AAE=',
  'data:image/png;base64,%2B%2f%2F%2BAAE%3D',
])('%s becomes bytes: its media type is ignored', (uri) => {
  expect(Uint8Array.from(decodeDataUri(uri, maxBytes))).toEqual(bytes);
});

test.each([
  ['has no comma', 'data:image/png;base64'],
  ['is not base64', 'data:image/svg+xml,%3Csvg%3E'],
  ['says base64 anywhere but at the end', 'data:base64;image/png,AAAA'],
  ['has wrong characters', 'data:image/png;base64,AA.A'],
  ['has no data', 'data:image/png;base64,'],
])('a data URI that %s is refused', (_what, uri) => {
  expect(() => decodeDataUri(uri, maxBytes)).toThrow(expect.objectContaining({ code: 'image.source_invalid' }));
});

test('a data URI has the same maximum size', () => {
  const uri = `data:image/png;base64,${Buffer.alloc(maxBytes + 1).toString('base64')}`;
  expect(() => decodeDataUri(uri, maxBytes)).toThrow(expect.objectContaining({ code: 'image.too_large' }));
});
