import type { Config } from '../../shared/config.ts';
import { cpu, type Device } from '../device/device.ts';

export interface Execution extends Pick<Config, 'precision' | 'preprocess'> {
  device: Device;
  /** True when another precision may replace a requested one that is missing. */
  deviceFallback: boolean;
}

export const onCpu: Execution = { device: cpu, precision: 'auto', preprocess: 'exact', deviceFallback: false };
