import type { Config } from '../../shared/config.ts';
import { cpu, type Device } from '../device/device.ts';

/** How models run in this installation, whatever the registry states of them. */
export interface Execution extends Pick<Config, 'precision' | 'preprocess'> {
  device: Device;
  /** Another precision is used where the requested one is not there. */
  deviceFallback: boolean;
}

export const onCpu: Execution = { device: cpu, precision: 'auto', preprocess: 'exact', deviceFallback: false };
