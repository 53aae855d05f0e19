import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { describeCudaParts, findCudaParts, neededBy } from '../../../../models/device/libraries.ts';

test.skipIf(process.platform !== 'linux')('the libraries that a library is linked to are read from it', () => {
  const binding = createRequire(import.meta.url).resolve('onnxruntime-node');
  const library = join(dirname(binding), `../bin/napi-v6/linux/${process.arch}/onnxruntime_binding.node`);
  expect(neededBy(readFileSync(library))).toEqual(expect.arrayContaining(['libonnxruntime.so.1', 'libc.so.6']));
});

test('what is not such a library has none', () => {
  expect(neededBy(Buffer.from('#!/bin/sh\n'))).toEqual([]);
});

test('what is missing is named with what is there', () => {
  const needed = ['libcublas.so.12', 'libcudnn.so.9'];
  expect(describeCudaParts({ driver: '580.1', needed, missing: ['libcudnn.so.9'] })).toBe(
    'driver 580.1; needed: libcublas.so.12, libcudnn.so.9; not found: libcudnn.so.9',
  );
  expect(describeCudaParts({ driver: '580.1', needed, missing: [] })).toMatch(/all found$/);
  expect(describeCudaParts({ driver: null, needed: null, missing: [] })).toMatch(
    /^no NVIDIA driver found \(nvidia-smi does not answer\); this installation of ONNX Runtime/,
  );
});

test.skipIf(process.platform !== 'linux')('this machine can be looked at', () => {
  const parts = findCudaParts();
  for (const name of parts.missing) expect(parts.needed).toContain(name);
});
