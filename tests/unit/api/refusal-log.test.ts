import { expect, test } from 'vitest';
import { createRefusalLog } from '../../../api/middleware/refusal-log.ts';

function recorded() {
  const lines: object[] = [];
  const steps: (() => void)[] = [];
  const refusals = createRefusalLog({ info: (line: object) => lines.push(line) } as never, (step) => steps.push(step));
  /** Ends the minute of all callers. */
  const endMinute = () => {
    for (const step of steps.splice(0)) step();
  };
  return { lines, refusals, endMinute };
}

test('the first refusals of a caller have their own lines, and the others of the minute share one', () => {
  const { lines, refusals, endMinute } = recorded();
  const admitted = Array.from({ length: 10_000 }, (_, at) =>
    refusals.admits('192.0.2.1', at % 2 === 0 ? 'access.key_missing' : 'access.key_invalid'),
  );
  expect(admitted.filter(Boolean)).toHaveLength(20);
  expect(admitted.slice(0, 20)).not.toContain(false);
  expect(refusals.admits('192.0.2.2', 'access.key_missing')).toBe(true);
  endMinute();
  expect(lines).toEqual([
    { caller: '192.0.2.1', refused: 9_980, codes: { 'access.key_missing': 4_990, 'access.key_invalid': 4_990 } },
  ]);
  expect(refusals.admits('192.0.2.1', 'access.key_missing')).toBe(true);
});

test('lines and memory are bounded however many callers there are', () => {
  const { lines, refusals, endMinute } = recorded();
  let admitted = 0;
  for (let at = 0; at < 100_000; at++) if (refusals.admits(`caller-${at}`, 'access.key_missing')) admitted++;
  expect(admitted).toBe(1_020);
  endMinute();
  expect(lines).toEqual([{ caller: 'others', refused: 98_980, codes: { 'access.key_missing': 98_980 } }]);
});
