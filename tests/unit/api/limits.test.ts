import type { Request } from 'express';
import { expect, test } from 'vitest';
import { createLimits } from '../../../api/access/limits.ts';

const request = { res: { locals: {} } } as unknown as Request;

test('tenants share the memory of Redis where keys are required; without keys there is one tenant', () => {
  expect(createLimits(true)(request)).toMatchObject({ sharesMemory: true });
  expect(createLimits(false)(request)).toMatchObject({ sharesMemory: false });
});
