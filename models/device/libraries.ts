import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { childEnvironment } from '../../shared/child-environment.js';

/** What CUDA needs of a machine, and what of it is there. */
export interface CudaParts {
  /** Version of NVIDIA's driver; nothing where `nvidia-smi` does not answer. */
  driver: string | null;
  /** CUDA libraries and cuDNN that the provider of ONNX Runtime is linked to; nothing where the provider is not there. */
  needed: string[] | null;
  /** Those of them that the loader does not find. */
  missing: string[];
}

const providerFile = 'libonnxruntime_providers_cuda.so';
/** Sonames in the table of strings that every shared library has. */
const sonames = /lib(?:cudart|cublas|cublasLt|cudnn|cufft|curand|nvrtc)\.so\.\d+/g;
const toolTimeoutMs = 10_000;

/** Looks at this machine without loading anything. Linux alone. */
export function findCudaParts(): CudaParts {
  const binding = createRequire(import.meta.url).resolve('onnxruntime-node');
  const provider = join(dirname(binding), '../bin/napi-v6/linux', process.arch, providerFile);
  const needed = existsSync(provider) ? sonamesIn(readFileSync(provider)) : null;
  const listed = needed === null ? '' : run('ldconfig', ['-p']);
  return {
    driver:
      run('nvidia-smi', ['--query-gpu=driver_version', '--format=csv,noheader']).split('\n', 1)[0]?.trim() || null,
    needed,
    missing: (needed ?? []).filter((name) => !listed.includes(`${name} `) && !isOnPath(name)),
  };
}

/** The sonames in a shared library, sorted, each once. */
export const sonamesIn = (library: Buffer): string[] =>
  [...new Set(library.toString('latin1').match(sonames) ?? [])].sort();

const isOnPath = (name: string): boolean =>
  (process.env['LD_LIBRARY_PATH'] ?? '')
    .split(delimiter)
    .some((folder) => folder !== '' && existsSync(join(folder, name)));

function run(program: string, args: string[]): string {
  const found = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: toolTimeoutMs,
    env: childEnvironment('deviceProbe'),
  });
  return found.status === 0 ? found.stdout : '';
}

/** In words, for whoever has to mend it. */
export function describeCudaParts({ driver, needed, missing }: CudaParts): string {
  const ofDriver = driver === null ? 'no NVIDIA driver answers' : `driver ${driver}`;
  if (needed === null) return `${ofDriver}; ONNX Runtime has no CUDA provider here (docs/models.md)`;
  const ofLibraries = missing.length === 0 ? 'all found' : `not found: ${missing.join(', ')}`;
  return `${ofDriver}; needed: ${needed.join(', ')}; ${ofLibraries}`;
}
