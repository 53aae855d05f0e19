import { spawnSync } from 'node:child_process';
import { getPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const module = fileURLToPath(new URL('../../../models/niceness.ts', import.meta.url));
const code = `const { lowerPriority } = await import(${JSON.stringify(module)});
const { getPriority } = await import('node:os');
lowerPriority(5);
process.stdout.write(String(getPriority()));`;

// The last ends at the lowest priority there is, whatever the priority of this process is.
test.each([0, 3, 10, 40])('a process that starts %i steps nicer has the lower of the two priorities', (steps) => {
  const { stdout, stderr } = spawnSync(
    'nice',
    ['-n', String(steps), process.execPath, '--input-type=module', '-e', code],
    {
      encoding: 'utf8',
    },
  );
  expect(stderr).toBe('');
  expect(Number(stdout)).toBe(Math.max(5, Math.min(19, getPriority() + steps)));
});
