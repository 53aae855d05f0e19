import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { encodeDigests } from '../../../../batches/store/image-digests.ts';
import { decodeOutput, encodeOutput, readDigests } from '../../../../batches/store/payload.ts';
import type { ItemResult } from '../../../../shared/contracts/item.ts';

const hashOf = (bytes: string) => createHash('sha256').update(bytes).digest();
const results: ItemResult[] = [
  { index: 0, status: 'succeeded', score: 25, cosine: 0.25, metadata: { images: 'AAAAAAAAAAAAAAAAAAAAAA==' } },
  { index: 1, status: 'failed', error: { code: 'image.corrupt', message: 'broken', retryable: false } },
  { index: 2, status: 'succeeded', score: 25, cosine: 0.25 },
];
const images = encodeDigests([hashOf('a').toString('base64'), undefined, hashOf('b').toString('base64')]);

describe.each([undefined, true])('a payload of outcomes whose numbers are exact: %s', (exact) => {
  test('has the beginning of the hash of each image, and zeros for an item without a score', () => {
    const digests = readDigests(encodeOutput({ images, results, exact }));
    expect(digests).toEqual(Buffer.concat([hashOf('a').subarray(0, 8), Buffer.alloc(8), hashOf('b').subarray(0, 8)]));
  });

  test('has the same outcomes with and without digests', () => {
    expect(decodeOutput(encodeOutput({ images, results, exact })).results).toEqual(results);
    expect(decodeOutput(encodeOutput({ results, exact })).results).toEqual(results);
  });

  test('of an older release has no digests, whatever its metadata is called', () => {
    expect(readDigests(encodeOutput({ results, exact }))).toBeUndefined();
  });
});

test('a chunk of failed items only has digests, so that it does not count as one of an older release', () => {
  const digests = readDigests(
    encodeOutput({ images: encodeDigests([undefined, undefined]), results: results.slice(1, 2) }),
  );
  expect(digests).toEqual(Buffer.alloc(16));
});
