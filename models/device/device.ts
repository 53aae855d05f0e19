import { fork } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../../shared/child-environment.js';
import type { Config } from '../../shared/config.ts';
import type { Provider } from '../model.ts';
import type { Probed } from './probe.ts';

/** Where models run, and why there. */
export interface Device {
  provider: Provider;
  /** How many of it there are: one session runs on each. For a CPU it means nothing. */
  count: number;
  reason: string;
}

/** A device was asked for by name and cannot be had. */
export class DeviceError extends Error {
  override name = 'DeviceError';
}

/** In the order they are tried. */
const accelerators = ['cuda', 'coreml', 'dml'] as const satisfies readonly Provider[];
/** That has to be named: a software driver of Vulkan counts as one, and no run on a GPU has been seen yet. */
const named = 'webgpu' satisfies Provider;
/** CUDA's libraries are gigabytes, and come from a cold disk after a start of the machine. */
const probeTimeoutMs = 60_000;

export const cpu: Device = { provider: 'cpu', count: 1, reason: 'as configured' };

/**
 * The device that `DEVICE` asks for; with `auto` the first that works.
 * @throws {DeviceError} when a device was asked for by name, cannot be had, and `DEVICE_FALLBACK` is not set.
 */
export async function chooseDevice(config: Pick<Config, 'device' | 'deviceFallback'>): Promise<Device> {
  if (config.device === 'cpu') return cpu;
  const findings = await probeAccelerators(config.device === 'auto' ? accelerators : [config.device]);
  const found = findings.find(({ fault }) => fault === null);
  if (found !== undefined) {
    const reason = config.device === 'auto' ? 'the first that works here' : 'as configured';
    return { provider: found.provider, count: found.provider === 'cuda' ? gpuCount() : 1, reason };
  }
  const faults = findings.map(({ provider, fault }) => `${provider}: ${fault}`).join('; ');
  if (config.device === 'auto') return { ...cpu, reason: `no accelerator works here (${faults})` };
  if (config.deviceFallback) return { ...cpu, reason: `fallback, ${faults}` };
  throw new DeviceError(
    `DEVICE=${config.device} cannot be had: ${faults}. Use DEVICE=auto, or set DEVICE_FALLBACK=1 to run on the CPU then`,
  );
}

/** What these have to say here: nothing is wrong with one that works. */
export async function probeAccelerators(asked: readonly Provider[] = [...accelerators, named]): Promise<Probed[]> {
  // A process of its own takes a tenth of a second, so nothing is probed that cannot be here.
  const absences = asked.map((provider) => ({ provider, fault: absenceOf(provider) }));
  const probed = await probe(absences.flatMap(({ provider, fault }) => (fault === null ? [provider] : [])));
  return absences.map((absence) => probed.find(({ provider }) => provider === absence.provider) ?? absence);
}

/** Why a provider cannot be here, as far as that is seen without loading anything. */
function absenceOf(provider: Provider): string | null {
  switch (provider) {
    case 'cuda':
      if (platform() === 'win32' || existsSync('/dev/nvidiactl') || existsSync('/dev/dxg')) return null;
      return 'there is no NVIDIA device (/dev/nvidiactl)';
    case 'coreml':
      return platform() === 'darwin' && arch() === 'arm64' ? null : 'only on Macs with Apple silicon';
    case 'dml':
      return platform() === 'win32' ? null : 'only on Windows';
    case 'webgpu':
    case 'cpu':
      return null;
  }
}

function gpuCount(): number {
  if (platform() !== 'linux') return 1;
  return Math.max(1, readdirSync('/dev').filter((name) => /^nvidia\d+$/.test(name)).length);
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
    // Not at its exit: what it has said may still be on its way.
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve(`the process that tried it ended with ${signal ?? code}`);
    });
  });
  return providers.map((provider) => found.find((one) => one.provider === provider) ?? { provider, fault: ended });
}
