import { fork } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../../shared/child-environment.js';
import type { Config } from '../../shared/config.ts';
import type { Provider } from '../model.ts';
import type { Probed } from './probe.ts';

export interface Device {
  provider: Provider;
  /** The number of usable devices, with one encoder each by default. Not used for a CPU. */
  count: number;
  reason: string;
  /** The fault of each accelerator, if `auto` found none that works. */
  faults?: string;
}

export class DeviceError extends Error {
  override name = 'DeviceError';
}

/** The accelerators that `auto` tries, in this order. */
const accelerators = ['cuda', 'coreml', 'dml'] as const satisfies readonly Provider[];
/**
 * `auto` does not try WebGPU: Vulkan's software drivers also count as WebGPU devices, and it is untested on real GPUs.
 */
const named = 'webgpu' satisfies Provider;
/** The limit in ms for all tests. The CUDA libraries are gigabytes that may come slowly from disk. */
const probeTimeoutMs = 60_000;

export const cpu: Device = { provider: 'cpu', count: 1, reason: 'as configured' };

/**
 * Chooses the device that `DEVICE` names. `auto` chooses the first accelerator that works, else the CPU.
 * @throws {DeviceError} when the named device is not available and `DEVICE_FALLBACK` is not set.
 */
export async function chooseDevice(config: Pick<Config, 'device' | 'deviceFallback'>): Promise<Device> {
  if (config.device === 'cpu') return cpu;
  const findings = await probeAccelerators(config.device === 'auto' ? accelerators : [config.device]);
  const found = findings.find(({ fault }) => fault === null);
  if (found !== undefined) {
    const reason = config.device === 'auto' ? 'the first that works on this machine' : 'as configured';
    return { provider: found.provider, count: found.provider === 'cuda' ? gpuCount() : 1, reason };
  }
  const faults = findings.map(({ provider, fault }) => `${provider}: ${fault}`).join('; ');
  if (config.device === 'auto') return { ...cpu, reason: 'no accelerator found', faults };
  if (config.deviceFallback) return { ...cpu, reason: `fallback, ${faults}` };
  throw new DeviceError(
    `DEVICE=${config.device} is not available: ${faults}. Use DEVICE=auto, or set DEVICE_FALLBACK=1 to run on the CPU instead`,
  );
}

export async function probeAccelerators(asked: readonly Provider[] = [...accelerators, named]): Promise<Probed[]> {
  // The test process takes 0.1 s to start, so providers that cannot exist here are skipped.
  const absences = asked.map((provider) => ({ provider, fault: absenceOf(provider) }));
  const probed = await probe(absences.flatMap(({ provider, fault }) => (fault === null ? [provider] : [])));
  return absences.map((absence) => probed.find(({ provider }) => provider === absence.provider) ?? absence);
}

/** Returns the reason why a provider cannot work here; null when it may. Loads nothing. */
function absenceOf(provider: Provider): string | null {
  switch (provider) {
    case 'cuda':
      if (platform() === 'win32' || existsSync('/dev/nvidiactl') || existsSync('/dev/dxg')) return null;
      return 'this machine has no NVIDIA device (/dev/nvidiactl)';
    case 'coreml':
      return platform() === 'darwin' && arch() === 'arm64' ? null : 'it works only on Macs with Apple silicon';
    case 'dml':
      return platform() === 'win32' ? null : 'it works only on Windows';
    case 'webgpu':
    case 'cpu':
      return null;
  }
}

function gpuCount(): number {
  if (platform() !== 'linux') return 1;
  return Math.max(1, readdirSync('/dev').filter((name) => /^nvidia\d+$/.test(name)).length);
}

/** Returns the device as a sentence without a full stop, for users. */
export function deviceWords({ provider, count, reason }: Device): string {
  if (provider === 'cpu') return `Runs on the CPU${reason.startsWith('fallback') ? ` (${reason})` : ''}`;
  return provider === 'cuda' && count > 1 ? `Runs on ${count} GPUs (cuda)` : `Runs on the GPU (${provider})`;
}

async function probe(providers: readonly Provider[]): Promise<Probed[]> {
  if (providers.length === 0) return [];
  const entry = fileURLToPath(new URL('./probe.ts', import.meta.url));
  const child = fork(entry, [...providers], {
    execArgv: [],
    env: childEnvironment('deviceProbe'),
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const found: Probed[] = [];
  const ended = await new Promise<string>((resolve) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      resolve(`the driver did not answer within ${probeTimeoutMs / 1000} s`);
    }, probeTimeoutMs);
    child.on('message', (message) => found.push(message as Probed));
    child.on('error', (error) => resolve(error.message));
    // Unlike `exit`, `close` comes after all messages of the process.
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve(`the process that tried it ended with ${signal ?? code}`);
    });
  });
  return providers.map((provider) => found.find((one) => one.provider === provider) ?? { provider, fault: ended });
}
