import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { buildKernels } from '../../../../../models/pixels/resample/kernels/build.ts';
import { kernelsPath } from '../../../../../models/pixels/resample/kernels/module.ts';

test('the built module is what the compiler makes of its source (npm run build:kernels)', async () => {
  expect(readFileSync(kernelsPath).equals(await buildKernels())).toBe(true);
});
