import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('every package of the lock file has a licence that may be used, or a reason why', () => {
  const script = fileURLToPath(new URL('../../../supply-chain/licences.ts', import.meta.url));
  const printed = execFileSync(process.execPath, [script], { encoding: 'utf8' });
  expect(printed).toMatch(/^MIT +express@5/m);
  const [, unknown] = /^\d+ packages: (\d+) unknown, 0 strong, /m.exec(printed) ?? [];
  expect(printed).toMatch(new RegExp(`^accepted: ${unknown} such as busboy: MIT by their licence text, `, 'm'));
});
