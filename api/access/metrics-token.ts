import { readFile } from 'node:fs/promises';
import { type Config, ConfigError } from '../../shared/config.ts';

/**
 * Returns the token for /metrics: the content of METRICS_TOKEN_FILE, or METRICS_TOKEN when that file is empty or not
 * set.
 * @throws {ConfigError} when the file cannot be read or its token has fewer than 16 characters.
 */
export async function readMetricsToken({
  metricsToken,
  metricsTokenFile: path,
}: Pick<Config, 'metricsToken' | 'metricsTokenFile'>): Promise<string | undefined> {
  if (path === undefined) return metricsToken;
  const token = await readFile(path, 'utf8').then(
    (text) => text.trim(),
    (error: Error) => {
      throw new ConfigError(`METRICS_TOKEN_FILE cannot be read: ${error.message}`);
    },
  );
  if (token === '') return metricsToken;
  if (token.length < 16)
    throw new ConfigError(`METRICS_TOKEN_FILE=${path}: the file must contain at least 16 characters`);
  return token;
}
