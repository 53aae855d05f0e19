import { expect, test } from 'vitest';
import { kindOf } from '../../../supply-chain/spdx.ts';

test.each([
  ['MIT', 'permissive'],
  ['(MIT AND Zlib)', 'permissive'],
  ['MIT OR GPL-3.0-only', 'permissive'],
  ['MIT AND GPL-3.0-only', 'strong'],
  ['Apache-2.0 AND LGPL-3.0-or-later AND MIT', 'weak'],
  ['(GPL-2.0-only OR MPL-2.0) AND MIT', 'weak'],
  ['AGPL-3.0-or-later', 'strong'],
  ['SSPL-1.0', 'strong'],
  ['MIT OR (GPL-3.0-only AND', 'unknown'],
  ['SEE LICENSE IN LICENSE.md', 'unknown'],
  ['UNLICENSED', 'unknown'],
  ['MIT Apache-2.0', 'unknown'],
  ['(none named)', 'unknown'],
  ['', 'unknown'],
])('%s is %s', (expression, kind) => {
  expect(kindOf(expression)).toBe(kind);
});
