import type { RegistryConfig } from '../models/registry/entries.ts';
import type { Config } from '../shared/config.ts';

/** Settings for scoring without a service. `modelSource` names the flag in the message about an unknown model. */
export type OfflineConfig = Config & Pick<RegistryConfig, 'modelSource'>;

/** Returns the settings with the model of the flag `--model`, if the flag is set. */
export const withModel = (config: Config, model: string | undefined): OfflineConfig =>
  model === undefined ? config : { ...config, model, modelSource: '--model' };
