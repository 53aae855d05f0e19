import { readFileSync } from 'node:fs';

/**
 * Returns true on processors whose kernels for uint8 times int8 add pairs of products in 16 bits, where they saturate:
 * x86 without VNNI. ONNX Runtime then has to use its kernels for uint8 times uint8, which are exact and slower. With
 * VNNI those would only be slower. Where the flags of the processor cannot be read, the exact kernels are used.
 * @param flags text with the flags of the processor; undefined where unknown.
 */
export const saturates = (architecture: string = process.arch, flags: string | undefined = processorFlags()): boolean =>
  architecture === 'x64' && !/\bavx(512)?_vnni\b/.test(flags ?? '');

function processorFlags(): string | undefined {
  try {
    return /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}
