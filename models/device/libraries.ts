import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { childEnvironment } from '../../shared/child-environment.js';

export interface CudaParts {
  /** The version of NVIDIA's driver; null when `nvidia-smi` fails. */
  driver: string | null;
  /** CUDA and cuDNN libraries that ONNX Runtime needs; null when its CUDA provider is not installed. */
  needed: string[] | null;
  /** Needed libraries that the dynamic loader does not find. */
  missing: string[];
}

const providerFile = 'libonnxruntime_providers_cuda.so';
/** CUDA libraries except libcuda, which belongs to the driver. ONNX Runtime loads cuDNN only at its first use. */
const isOfCuda = /^lib(?:cudart|cublas|cublasLt|cufft|curand|nvrtc)\.so/;
const cudnn = 'libcudnn.so.9';
const toolTimeoutMs = 10_000;

/** Finds CUDA's driver and libraries without loading any. Works only on Linux. */
export function findCudaParts(): CudaParts {
  const binding = createRequire(import.meta.url).resolve('onnxruntime-node');
  const provider = join(dirname(binding), '../bin/napi-v6/linux', process.arch, providerFile);
  const needed = existsSync(provider)
    ? [...neededBy(readFileSync(provider)).filter((name) => isOfCuda.test(name)), cudnn]
    : null;
  const listed = needed === null ? '' : outputOf('ldconfig', ['-p']);
  return {
    driver:
      outputOf('nvidia-smi', ['--query-gpu=driver_version', '--format=csv,noheader']).split('\n', 1)[0]?.trim() || null,
    needed,
    missing: (needed ?? []).filter((name) => !listed.includes(`${name} `) && !isOnPath(name)),
  };
}

const elf = { loadSegment: 1, dynamicSegment: 2, needed: 1, stringTable: 5 } as const;

/** Returns the libraries that a shared library links to (`DT_NEEDED` of a 64-bit ELF file). */
export function neededBy(library: Buffer): string[] {
  if (library.toString('latin1', 0, 5) !== '\x7fELF\x02') return [];
  const number = (at: number) => Number(library.readBigUInt64LE(at));
  const headers = Array.from({ length: library.readUInt16LE(56) }, (_, index) => {
    const at = number(32) + index * library.readUInt16LE(54);
    const type = library.readUInt32LE(at);
    return { type, offset: number(at + 8), address: number(at + 16), size: number(at + 32) };
  });
  const dynamic = headers.find(({ type }) => type === elf.dynamicSegment);
  if (dynamic === undefined) return [];
  const entries: { tag: number; value: number }[] = [];
  for (let at = dynamic.offset; at + 16 <= dynamic.offset + dynamic.size; at += 16) {
    entries.push({ tag: number(at), value: number(at + 8) });
  }
  const strings = entries.find(({ tag }) => tag === elf.stringTable)?.value ?? 0;
  const segment = headers.find(
    ({ type, address, size }) => type === elf.loadSegment && strings >= address && strings < address + size,
  );
  if (segment === undefined) return [];
  const table = strings - segment.address + segment.offset;
  return entries
    .filter(({ tag }) => tag === elf.needed)
    .map(({ value }) => library.toString('latin1', table + value, library.indexOf(0, table + value)));
}

const isOnPath = (name: string): boolean =>
  (process.env['LD_LIBRARY_PATH'] ?? '')
    .split(delimiter)
    .some((folder) => folder !== '' && existsSync(join(folder, name)));

function outputOf(program: string, args: string[]): string {
  const found = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: toolTimeoutMs,
    env: childEnvironment('deviceProbe'),
  });
  return found.status === 0 ? found.stdout : '';
}

export function describeCudaParts({ driver, needed, missing }: CudaParts): string {
  const ofDriver = driver === null ? 'no NVIDIA driver found (nvidia-smi does not answer)' : `driver ${driver}`;
  if (needed === null) return `${ofDriver}; this installation of ONNX Runtime has no CUDA provider (docs/devices.md)`;
  const ofLibraries = missing.length === 0 ? 'all found' : `not found: ${missing.join(', ')}`;
  return `${ofDriver}; needed: ${needed.join(', ')}; ${ofLibraries}`;
}
