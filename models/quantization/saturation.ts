import { readFileSync } from 'node:fs';

/**
 * Returns true on x86 processors without VNNI or with unknown flags. Their uint8-by-int8 kernels add two products in 16
 * bits, which may overflow (saturate). ONNX Runtime must then use its slower uint8-by-uint8 kernels.
 * @param flags the flags of the processor; undefined when they are unknown.
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
