import { resolve } from 'node:path';
import { z } from 'zod';
import { keyRecordOfEntry, tenantName } from './api-keys.ts';
import { asFolder, parseS3Location, type S3Location } from './s3-location.ts';

/** A directory from which a tenant, or every tenant (`*`), may read images. */
export interface FileRoot {
  tenant: string;
  path: string;
}

/**
 * A bucket folder from which a tenant, or every tenant (`*`), may post batches. `{tenant}` in its key stands for the
 * tenant's name.
 */
export interface TenantFolder {
  tenant: string;
  folder: S3Location;
}

const MB = 1024 * 1024;

/** Values separated by commas, trimmed, without empty ones. */
export const list = z.string().transform((value) =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);
export const integer = (min: number, max: number) => {
  const error = `expected a whole number from ${min} to ${max}`;
  return z.coerce.number({ error }).int(error).min(min, error).max(max, error);
};
/** A number of MiB, converted to bytes. */
export const megabytes = (min: number, max: number) => integer(min, max).transform((value) => value * MB);
export const megapixels = (min: number, max: number) => integer(min, max).transform((value) => value * 1_000_000);
/** One of these words. */
export const oneOf = <const Words extends readonly string[]>(words: Words) =>
  z.enum(words, { error: `expected one of ${words.join(', ')}` });
export const flag = oneOf(['0', '1', 'true', 'false']).transform((value) => value === '1' || value === 'true');
/** A path, made absolute. */
export const path = z
  .string()
  .min(1)
  .transform((given) => resolve(given));
export const httpAddress = z.url({ protocol: /^https?$/, error: 'expected an http or https address' });

const addressOfService = 'expected an http or https address, such as http://127.0.0.1:8000';
/** This service's address for clients, with the path below which a proxy mounts it, if any. */
export const serviceAddress = z
  .url({ protocol: /^https?$/, error: addressOfService })
  .superRefine((given, { addIssue }) => {
    if (!URL.canParse(given)) return;
    const { username, password, port, search, hash, hostname } = new URL(given);
    const refuse = (message: string) => addIssue({ code: 'custom', message });
    // HTTP clients refuse an address with a user or a password.
    if (username !== '' || password !== '')
      refuse(`${addressOfService}, without user name or password; put the API key in VLS_API_KEY`);
    else if (hostname === '' || search !== '' || hash !== '' || port === '0') refuse(addressOfService);
  });
export const printable = /^[\x21-\x7e]+$/;

const hostsMatching = (pattern: RegExp, expected: string) =>
  list.pipe(
    z.array(z.string().regex(pattern, { error: ({ input }) => `${JSON.stringify(input)} is not ${expected}` })),
  );
/** Matches `host`, `host:port`, `*.domain`, an IPv6 address, or one in brackets with a port. */
const host = /(\*\.)?[^\s/:@[\]*]+(:\d{1,5})?|[0-9a-f:.]*:[0-9a-f:.]*|\[[0-9a-f:.]+\](:\d{1,5})?/;
export const allowedHosts = hostsMatching(new RegExp(`^(${host.source})$`, 'i'), 'host, host:port or *.domain');
export const namedHosts = hostsMatching(
  new RegExp(`^(${host.source.replace('(\\*\\.)?', '')})$`, 'i'),
  'host or host:port',
);
export const deniedHosts = hostsMatching(
  new RegExp(`^(${host.source}|[0-9a-f:.]+/\\d{1,3}|\\*)$`, 'i'),
  'host, host:port, *.domain, an address block or *',
);
export const allowedHostsAndBlocks = hostsMatching(
  new RegExp(`^(${host.source}|[0-9a-f:.]+/\\d{1,3})$`, 'i'),
  'host, host:port, *.domain or an address block',
);

/** Origins such as `https://app.example.org` or `http://localhost:3000`, without the default port. */
export const origins = list.pipe(
  z.array(
    z.string().refine((origin) => URL.canParse(origin) && new URL(origin).origin === origin, {
      error: ({ input }) => `${JSON.stringify(input)} is not an origin such as https://app.example.org`,
    }),
  ),
);
export const networks = list.pipe(
  z.array(
    z.string().regex(/^(loopback|linklocal|uniquelocal|[0-9a-f.:]+(\/\d{1,3})?)$/i, {
      error: ({ input }) => `${JSON.stringify(input)} is not an address or a network such as 10.0.0.0/8`,
    }),
  ),
);

/**
 * Returns a schema that parses each entry. An entry for which `parse` returns undefined is refused with the message of
 * `expected`.
 */
const listOf = <Parsed>(parse: (entry: string) => Parsed | undefined, expected: (entry: string) => string) =>
  z.array(
    z.string().transform((entry, context): Parsed => {
      const parsed = parse(entry);
      if (parsed !== undefined) return parsed;
      context.addIssue(expected(entry));
      return z.NEVER;
    }),
  );

/** API key records as `vls keys add --entry` prints them. Entries are secret, so errors do not repeat them. */
export const keyEntries = list.pipe(
  listOf(keyRecordOfEntry, () => 'expected id:tenant:role:hash, as `vls keys add --entry` prints it'),
);

/** One or more locations for payloads (items and results): `redis` or `s3://bucket/prefix`. */
export const payloadLocations = list.pipe(
  listOf(
    (entry): 'redis' | S3Location | undefined => (entry === 'redis' ? entry : parseS3Location(entry)),
    (entry) => `${JSON.stringify(entry)} is not redis or s3://bucket/prefix`,
  ).min(1, 'the list is empty'),
);

/** Folders from which tenants may post batches, as `tenant=s3://bucket/prefix/`. */
export const tenantFolders = list.pipe(
  listOf(
    (entry): TenantFolder | undefined => {
      const [, tenant = '', address = ''] = /^([^=]*)=(.*)$/s.exec(entry) ?? [];
      const location = parseS3Location(address);
      const isTenant = tenant === '*' || tenantName.safeParse(tenant).success;
      return location !== undefined && isTenant ? { tenant, folder: asFolder(location) } : undefined;
    },
    (entry) => `${JSON.stringify(entry)} is not of the form tenant=s3://bucket/prefix/`,
  ),
);

/** Directories from which tenants may read images, as `/path` or `tenant=/path`. */
export const fileRoots = list.pipe(
  listOf(
    (entry): FileRoot | undefined => {
      const [, tenant, path = entry] = /^([^=/.~]+)=(.+)$/s.exec(entry) ?? [];
      const isTenant = tenant === undefined || tenantName.safeParse(tenant).success;
      return isTenant ? { tenant: tenant ?? '*', path: resolve(path) } : undefined;
    },
    (entry) => `${JSON.stringify(entry)} names an invalid tenant; the form is /path or tenant=/path`,
  ),
);
