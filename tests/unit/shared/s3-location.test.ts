import { describe, expect, test } from 'vitest';
import { asFolder, formatS3Location, isWithin, parseS3Location } from '../../../shared/s3-location.ts';

const folder = (address: string) => {
  const place = parseS3Location(address);
  if (place === undefined) throw new Error(`${address} is no address`);
  return asFolder(place);
};

test.each([
  ['s3://bucket/a/b.ndjson', { bucket: 'bucket', key: 'a/b.ndjson' }],
  ['s3://my.bucket-1', { bucket: 'my.bucket-1', key: '' }],
  ['s3://bucket/', { bucket: 'bucket', key: '' }],
  ['s3://bucket/a/', { bucket: 'bucket', key: 'a/' }],
  ['s3://bucket/ein Ordner/ü%2e%2e/..x', { bucket: 'bucket', key: 'ein Ordner/ü%2e%2e/..x' }],
])('%s is a place', (address, place) => {
  expect(parseS3Location(address)).toEqual(place);
});

describe('these are none', () => {
  test.each([
    ['without a scheme', 'bucket/key'],
    ['another scheme', 'https://bucket/key'],
    ['a bucket too short', 's3://b/key'],
    ['a bucket with capitals', 's3://Bucket/key'],
    ['a bucket with a port', 's3://bucket:80/key'],
    ['credentials', 's3://user@bucket/key'],
    ['two dots', 's3://bucket/a/../b'],
    ['two dots at the end', 's3://bucket/a/..'],
    ['two dots before a slash at the end', 's3://bucket/a/../'],
    ['one dot', 's3://bucket/./a'],
    ['an empty part', 's3://bucket/a//b'],
    ['an empty first part', 's3://bucket//a'],
    ['an empty last part', 's3://bucket/a//'],
    ['NUL', 's3://bucket/a\0b'],
    ['a line break', 's3://bucket/a\nb'],
    ['half a surrogate pair', 's3://bucket/a\ud800'],
    ['a key too long', `s3://bucket/${'a'.repeat(1025)}`],
  ])('%s', (_, address) => {
    expect(parseS3Location(address)).toBeUndefined();
  });
});

test('a folder ends in a slash, so that one whose name only begins the same is another', () => {
  expect(formatS3Location(folder('s3://bucket/team'))).toBe('s3://bucket/team/');
  expect(isWithin({ bucket: 'bucket', key: 'team/x' }, folder('s3://bucket/team'))).toBe(true);
  expect(isWithin({ bucket: 'bucket', key: 'team2/x' }, folder('s3://bucket/team'))).toBe(false);
  expect(isWithin({ bucket: 'other', key: 'team/x' }, folder('s3://bucket/team'))).toBe(false);
  expect(isWithin({ bucket: 'bucket', key: 'anything' }, folder('s3://bucket'))).toBe(true);
});
