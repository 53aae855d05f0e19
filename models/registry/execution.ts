import type { Config } from '../../shared/config.ts';
import { cpu, type Device } from '../device/device.ts';

/** The settings of this installation for running models. The registry does not influence them. */
export interface Execution extends Pick<Config, 'precision' | 'preprocess'> {
  device: Device;
  /** True when a precision that is requested but missing may be replaced by another one. */
  deviceFallback: boolean;
}

export const onCpu: Execution = { device: cpu, precision: 'auto', preprocess: 'exact', deviceFallback: false };
