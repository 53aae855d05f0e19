import { ConfigError } from '../../shared/config.ts';
import { ServiceError } from '../../shared/errors.ts';
import { asFolder, formatS3Location, isWithin, parseS3Location, type S3Location } from '../../shared/s3-location.ts';
import type { TenantFolder } from '../../shared/setting-values.ts';
import type { PayloadLocation } from '../store/payload-store.ts';

export interface TenantFolders {
  readonly any: boolean;
  /**
   * Parses a bucket address from a request, and checks that the tenant may use it.
   * @throws {ServiceError} `request.invalid` for an invalid address, `storage.outside` for a forbidden one.
   */
  check(tenant: string, address: string, field: 'input' | 'output'): S3Location;
}

const tenantMark = '{tenant}';

/**
 * Reads the folders of tenants from the setting BATCH_BUCKETS.
 * @throws {ConfigError} when a folder overlaps a location in PAYLOADS, where the payloads of all tenants are stored.
 */
export function createTenantFolders(
  allowed: readonly TenantFolder[],
  payloads: readonly PayloadLocation[],
): TenantFolders {
  for (const { folder } of allowed) {
    const [fixed = ''] = folder.key.split(tenantMark);
    const own = payloads
      .filter((place) => place !== 'redis')
      .map(asFolder)
      .find(({ bucket, key }) => bucket === folder.bucket && (key.startsWith(fixed) || fixed.startsWith(key)));
    if (own === undefined) continue;
    const message = `The folder ${formatS3Location(folder)} in BATCH_BUCKETS overlaps the folder ${formatS3Location(own)} in PAYLOADS`;
    throw new ConfigError(`${message}; the payloads of all tenants are stored there`);
  }
  return {
    any: allowed.length > 0,
    check(tenant, address, field) {
      const place = parseS3Location(address);
      if (place === undefined) {
        const message = 'expected s3://bucket/key, without empty parts, parts of dots only, or control characters';
        throw new ServiceError('request.invalid', `${field}: ${message}`, { faults: [{ path: field, message }] });
      }
      const folders = allowed
        .filter((entry) => entry.tenant === '*' || entry.tenant === tenant)
        .map(({ folder }) => ({ ...folder, key: folder.key.replaceAll(tenantMark, tenant) }));
      if (folders.some((folder) => isWithin(place, folder))) return place;
      const where = folders.length === 0 ? 'no folder of a bucket' : `only ${folders.map(formatS3Location).join(', ')}`;
      throw new ServiceError(
        'storage.outside',
        `${field}: the tenant ${tenant} may use ${where}; an operator can allow other folders with the setting BATCH_BUCKETS`,
      );
    },
  };
}
