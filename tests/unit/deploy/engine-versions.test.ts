import { expect, test } from 'vitest';
import { isAtLeast } from '../../deploy/command.ts';

test.each([
  ['1.44', '1.44', true],
  ['1.9', '1.44', false],
  ['2.24.0', '2.24', true],
  ['v2.40.1-desktop.1', '2.24', true],
  ['2.3', '2.24', false],
  ['5.6.0', '2.24', true],
  ['0', '2.24', false],
])('%s is as new as %s: %s', (version, least, expected) => expect(isAtLeast(version, least)).toBe(expected));
