/**
 * The length in bytes of the digest of an image, the beginning of the SHA-256 of its bytes. Among a million images, two
 * different ones have the same digest with a probability of 3 in 100 million.
 */
export const digestBytes = 8;

/** Returns the digest of an image. @param contentHash the SHA-256 of its bytes, in base64. */
const digestOf = (contentHash: string): Buffer => Buffer.from(contentHash, 'base64').subarray(0, digestBytes);

/**
 * Returns the digests of the images of a chunk as base64, in the order of its items. An item without a content hash has
 * zeros. Returns undefined for an empty list: the items are requests, or the caller does not know the hashes.
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
