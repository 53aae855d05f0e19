/**
 * An object or folder in an S3-compatible store. An empty key, or one that ends in `/`, is a folder: all objects whose
 * keys begin with it.
 */
export interface S3Location {
  bucket: string;
  key: string;
}

/** The maximum length of a key in bytes of UTF-8, a limit of S3. */
const maxKeyBytes = 1024;
const form = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/s;

/**
 * Parses `s3://bucket/key`. Returns undefined for an invalid or ambiguous address: with control characters, or path
 * segments that are empty, `.` or `..`.
 */
export function parseS3Location(address: string): S3Location | undefined {
  const [, bucket, key = ''] = form.exec(address) ?? [];
  if (bucket === undefined || !key.isWellFormed() || Buffer.byteLength(key) > maxKeyBytes) return undefined;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are refused
  if (/[\x00-\x1f\x7f]/.test(key)) return undefined;
  const parts = key.endsWith('/') ? key.slice(0, -1).split('/') : key.split('/');
  if (key !== '' && parts.some((part) => part === '' || part === '.' || part === '..')) return undefined;
  return { bucket, key };
}

export const formatS3Location = ({ bucket, key }: S3Location): string => `s3://${bucket}/${key}`;

/** Adds `/` to the key, unless the folder is a whole bucket. */
export const asFolder = ({ bucket, key }: S3Location): S3Location => ({
  bucket,
  key: key === '' || key.endsWith('/') ? key : `${key}/`,
});

export const isWithin = (place: S3Location, folder: S3Location): boolean =>
  place.bucket === folder.bucket && place.key.startsWith(folder.key);
