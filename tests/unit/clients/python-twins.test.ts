import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { findPython } from '../../support/python.ts';

const script = fileURLToPath(new URL('../../../clients/python/make_sync.py', import.meta.url));
const { path: python, reason } = findPython(['re']);
if (reason !== undefined) console.warn(`Skipped: ${reason}`);

test.skipIf(python === undefined)('the Python client without asyncio is the one that its source makes', () => {
  const { status, stderr } = spawnSync(python ?? '', [script, '--check'], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
});
