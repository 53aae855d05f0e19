/**
 * The length in bytes of the digest of an image: the first bytes of the SHA-256 of its content. Among a million
 * different images, the probability that any two have the same digest is 3 in 100 million.
 */
export const digestBytes = 8;

/** Returns the digest of an image. @param contentHash the SHA-256 of the bytes of the image, in base64. */
const digestOf = (contentHash: string): Buffer => Buffer.from(contentHash, 'base64').subarray(0, digestBytes);

/**
 * Returns the digests of the images of a chunk as base64, in the order of its items. The digest of an item without a
 * content hash is zero. Returns undefined for an empty list, which means that the hashes are unknown or that the items
 * are requests instead of pairs.
 */
export function encodeDigests(contentHashes: readonly (string | undefined)[]): string | undefined {
  if (contentHashes.length === 0) return undefined;
  const digests = Buffer.alloc(digestBytes * contentHashes.length);
  for (const [at, contentHash] of contentHashes.entries()) {
    if (contentHash !== undefined) digests.set(digestOf(contentHash), digestBytes * at);
  }
  return digests.toString('base64');
}

export const decodeDigests = (encoded: string): Buffer => Buffer.from(encoded, 'base64');
