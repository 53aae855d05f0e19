import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { kernelsPath } from './module.ts';

/**
 * `npm run build:kernels`: compiles `kernels.ts` to `kernels.wasm`. The result is committed, so that the service runs
 * without a compiler.
 */
if (import.meta.main) writeFileSync(kernelsPath, await buildKernels());

/** @throws {Error} with the messages of the compiler. */
export async function buildKernels(): Promise<Uint8Array> {
  let built: Uint8Array | undefined;
  const complaints: string[] = [];
  const options = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd'];
  const baseDir = fileURLToPath(new URL('.', import.meta.url));
  const { error } = await asc.main(['kernels.ts', '--outFile', 'kernels.wasm', '--baseDir', baseDir, ...options], {
    stderr: { write: (text: string) => complaints.push(text) },
    writeFile: (_name: string, contents: string | Uint8Array) => {
      if (typeof contents !== 'string') built = contents;
    },
  });
  if (error !== null || built === undefined) throw new Error(complaints.join('') || String(error));
  return built;
}
