/** A place in an S3-compatible store: an object, or a folder (all keys below it) when the key is empty or ends in `/`. */
export interface S3Place {
  bucket: string;
  key: string;
}

/** Longest key of an object, in bytes of UTF-8: S3's own limit. */
const maxKeyBytes = 1024;
const form = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/s;

/**
 * Reads `s3://bucket/key`. Nothing when it is no such address, or when it might mean another place to somebody else:
 * with control characters, or with empty, `.` or `..` parts.
 */
export function parseS3Place(address: string): S3Place | undefined {
  const [, bucket, key = ''] = form.exec(address) ?? [];
  if (bucket === undefined || !key.isWellFormed() || Buffer.byteLength(key) > maxKeyBytes) return undefined;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\x00-\x1f\x7f]/.test(key)) return undefined;
  const parts = key.endsWith('/') ? key.slice(0, -1).split('/') : key.split('/');
  if (key !== '' && parts.some((part) => part === '' || part === '.' || part === '..')) return undefined;
  return { bucket, key };
}

export const formatS3Place = ({ bucket, key }: S3Place): string => `s3://${bucket}/${key}`;

/** The place as a folder: with a `/` at its end, unless it is a whole bucket. */
export const asFolder = ({ bucket, key }: S3Place): S3Place => ({
  bucket,
  key: key === '' || key.endsWith('/') ? key : `${key}/`,
});

export const isWithin = (place: S3Place, folder: S3Place): boolean =>
  place.bucket === folder.bucket && place.key.startsWith(folder.key);
