import { describe, expect, test } from 'vitest';
import { afterScroll, corrected, maxHeight, scrollMapOf } from '../../../web/batches/explorer/scroll-map.ts';

const box = 840;
const row = 60;

test('a list that fits is scrolled as it is', () => {
  const map = scrollMapOf(10_000 * row, box);
  expect(map.height).toBe(600_000);
  for (const at of [0, 1, 599_160]) expect([map.toPosition(at), map.toScroll(at)]).toEqual([at, at]);
  expect(scrollMapOf(300, box)).toMatchObject({ height: 300, lastScroll: 0, lastPosition: 0 });
});

describe('a list of a million rows and more', () => {
  const map = scrollMapOf(1_000_000 * row, box);

  test('has the height that browsers can scroll, and its ends are reached', () => {
    expect(map.height).toBe(maxHeight);
    expect(map.toPosition(0)).toBe(0);
    expect(map.toPosition(map.lastScroll)).toBe(1_000_000 * row - box);
    expect(map.toPosition(map.lastScroll - 10 * row)).toBe(1_000_000 * row - box - 10 * row);
    expect(map.toPosition(5 * row)).toBe(5 * row);
  });

  test('is mapped in one direction, and back to the same place', () => {
    let last = -1;
    for (let scrollTop = 0; scrollTop <= map.lastScroll; scrollTop += 77_777) {
      const position = map.toPosition(scrollTop);
      expect(position).toBeGreaterThan(last);
      expect(map.toScroll(position)).toBeCloseTo(scrollTop, 3);
      last = position;
    }
    const every = Array.from({ length: 1_000 }, (_, at) => at * 1_000 * row);
    for (const position of every) expect(map.toPosition(map.toScroll(position))).toBeCloseTo(position, 3);
  });

  test('moves row by row with the wheel, also in its middle, and by leaps with the scroll bar', () => {
    const middle = { scrollTop: 5_000_000, position: map.toPosition(5_000_000) };
    const down = afterScroll(map, middle, 5_000_120, box);
    expect(down.position).toBe(middle.position + 2 * row);
    expect(afterScroll(map, down, 5_000_000, box)).toEqual(middle);
    expect(afterScroll(map, middle, 7_000_000, box).position).toBe(map.toPosition(7_000_000));
  });

  test('has its scroll position corrected only where the scroll bar or an end would show the difference', () => {
    const middle = { scrollTop: 5_000_000, position: map.toPosition(5_000_000) };
    const notch = afterScroll(map, middle, 5_000_120, box);
    expect(corrected(map, notch)).toBeUndefined();
    const far = { scrollTop: 5_050_000, position: middle.position + 50_000 };
    const to = Math.round(map.toScroll(far.position));
    expect(corrected(map, far)).toEqual({ ...far, scrollTop: to, correctedFrom: far.scrollTop });
    const nearStart = { scrollTop: 4_000, position: 4_060 };
    expect(corrected(map, nearStart)).toMatchObject({ scrollTop: 4_060, position: 4_060 });
    expect(corrected(map, { scrollTop: 4_060, position: 4_060 })).toBeUndefined();
  });

  test('a scroll that continues from the position before a correction moves as many px as one from the new position', () => {
    const place = corrected(map, { scrollTop: 5_050_000, position: map.toPosition(5_000_000) + 50_000 });
    if (place?.correctedFrom === undefined) throw new Error('It is not corrected');
    for (const from of [place.scrollTop, place.correctedFrom]) {
      const next = afterScroll(map, place, from + 120, box);
      expect(next).toEqual({ scrollTop: from + 120, position: place.position + 120 });
    }
  });

  test('ends where the box ends, even when short scrolls have led there', () => {
    const late = { scrollTop: map.lastScroll - 100, position: map.lastPosition - 50_000 };
    expect(afterScroll(map, late, map.lastScroll, box).position).toBe(map.lastPosition);
    const early = { scrollTop: 100, position: 50_000 };
    expect(afterScroll(map, early, 0, box).position).toBe(0);
    expect(afterScroll(map, { scrollTop: 5_000_000, position: 10 }, 4_999_000, box).position).toBe(0);
  });

  test('reaches the last row of a hundred million too', () => {
    const longest = scrollMapOf(100_000_000 * row, box);
    expect(longest.toPosition(longest.lastScroll)).toBe(100_000_000 * row - box);
  });
});
