import { expect, test } from 'vitest';
import { preferredWaitSeconds } from '../../../api/prefer-wait.ts';

test.each([
  ['wait=5', 5],
  ['wait="5"', 5],
  ['wait = 5', 5],
  ['wait =\t"5"', 5],
  ['Wait=5', 5],
  ['respond-async, wait=5', 5],
  ['respond-async,wait=5;strict', 5],
  ['handling=lenient; note="a, wait=9", wait=5', 5],
  ['wait=5, wait=9', 5],
  ['return=minimal;x=1 , wait=5 ', 5],
  ['wait=600', 60],
  [',, wait=5', 5],
  ['???, wait=5', 5],
  ['wait', 0],
  ['wait=', 0],
  ['wait=-5', 0],
  ['wait=5.5', 0],
  ['wait="5', 0],
  ['wait=5 6', 0],
  ['await=5', 0],
  ['x="wait=5"', 0],
  ['', 0],
  [undefined, 0],
])('Prefer: %s waits %d s', (header, seconds) => expect(preferredWaitSeconds(header)).toBe(seconds));

test('a header of 16 KB is parsed in linear time', () => {
  for (const part of ['a=', 'a="\\', ';', 'a;b="', ' ', 'a ,', '?']) {
    expect(preferredWaitSeconds(`${part.repeat(16_000 / part.length)}wait=5x`)).toBe(0);
  }
});
