import { expect, test } from 'vitest';
import { describeCudaParts, findCudaParts, sonamesIn } from '../../../../models/device/libraries.ts';

test('the libraries that a provider is linked to are read from its table of strings', () => {
  const library = Buffer.from('\x7fELF\0libcublasLt.so.13\0libcudnn.so.9\0libc.so.6\0libcublasLt.so.13\0');
  expect(sonamesIn(library)).toEqual(['libcublasLt.so.13', 'libcudnn.so.9']);
});

test('what is missing is named with what is there', () => {
  const needed = ['libcublas.so.12', 'libcudnn.so.9'];
  expect(describeCudaParts({ driver: '580.1', needed, missing: ['libcudnn.so.9'] })).toBe(
    'driver 580.1; needed: libcublas.so.12, libcudnn.so.9; not found: libcudnn.so.9',
  );
  expect(describeCudaParts({ driver: '580.1', needed, missing: [] })).toMatch(/all found$/);
  expect(describeCudaParts({ driver: null, needed: null, missing: [] })).toMatch(
    /^no NVIDIA driver answers; ONNX Runtime/,
  );
});

test.skipIf(process.platform !== 'linux')('this machine can be looked at', () => {
  const parts = findCudaParts();
  for (const name of parts.missing) expect(parts.needed).toContain(name);
});
