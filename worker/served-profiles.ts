import type { Registry } from '../models/registry/registry.ts';
import { ConfigError } from '../shared/config.ts';
import { ServiceError } from '../shared/errors.ts';

/**
 * Returns the profiles in `WORKER_PROFILES`, or by default all whose model this process can use.
 * @throws {ConfigError} when the model of a profile in `WORKER_PROFILES` cannot be used.
 */
export async function servedProfiles(
  registry: Pick<Registry, 'profiles' | 'resolve'>,
  wanted: readonly string[] | undefined,
): Promise<string[]> {
  const served: string[] = [];
  for (const profile of wanted ?? registry.profiles) {
    try {
      await registry.resolve(profile);
      served.push(profile);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      if (wanted !== undefined) throw new ConfigError(`WORKER_PROFILES: ${error.message}`);
    }
  }
  return served;
}
