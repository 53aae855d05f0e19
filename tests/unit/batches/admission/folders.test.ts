import { expect, test } from 'vitest';
import { createTenantFolders } from '../../../../batches/admission/folders.ts';
import { ConfigError, readConfig } from '../../../../shared/config.ts';

const placesOf = (batchBuckets: string, payloads = 'redis') => {
  const config = readConfig({ BATCH_BUCKETS: batchBuckets, PAYLOADS: payloads });
  return createTenantFolders(config.batchBuckets, config.payloads);
};
const refusal = { code: 'storage.outside' };

test('a tenant may use its own folders and those of everybody, with its name in them', () => {
  const places = placesOf('acme=s3://first/a,acme=s3://second,*=s3://third/{tenant}/in');
  expect(places.check('acme', 's3://first/a/x.csv', 'input')).toEqual({ bucket: 'first', key: 'a/x.csv' });
  expect(places.check('acme', 's3://second/x.csv', 'input').bucket).toBe('second');
  expect(places.check('acme', 's3://third/acme/in/x.csv', 'input').bucket).toBe('third');
  expect(places.check('other', 's3://third/other/in/x.csv', 'input').bucket).toBe('third');
});

test('a tenant may not use the folders of others', () => {
  const places = placesOf('acme=s3://first/a,*=s3://third/{tenant}/in');
  const check = (tenant: string, address: string) => () => places.check(tenant, address, 'input');
  expect(check('other', 's3://first/a/x.csv')).toThrow(expect.objectContaining(refusal));
  expect(check('other', 's3://third/acme/in/x.csv')).toThrow(expect.objectContaining(refusal));
  expect(check('other', 's3://third/{tenant}/in/x.csv')).toThrow(expect.objectContaining(refusal));
});

test('without any folder nothing is open, and the refusal names the setting that opens one', () => {
  const places = placesOf('');
  expect(places.any).toBe(false);
  expect(() => places.check('acme', 's3://first/x.csv', 'input')).toThrow(/BATCH_BUCKETS/);
});

test.each([
  ['*=s3://vls/', 's3://vls/payloads'],
  ['acme=s3://vls/payloads/acme', 's3://vls/payloads'],
  ['*=s3://vls/{tenant}/', 's3://vls/payloads'],
  ['*=s3://vls/payloads', 'redis,s3://vls/payloads'],
])('no tenant is let to where the payloads of all lie: %s beside %s', (batchBuckets, payloads) => {
  expect(() => placesOf(batchBuckets, payloads)).toThrow(ConfigError);
});

test.each([
  ['*=s3://vls/in/{tenant}/', 's3://vls/payloads'],
  ['*=s3://other/', 's3://vls/payloads'],
])('folders that lie apart are let be: %s beside %s', (batchBuckets, payloads) => {
  expect(placesOf(batchBuckets, payloads).any).toBe(true);
});

test.each([
  ['BATCH_BUCKETS', 's3://vls/'],
  ['BATCH_BUCKETS', 'Acme=s3://vls/'],
  ['BATCH_BUCKETS', 'acme=vls'],
  ['PAYLOADS', 'disk'],
  ['PAYLOADS', 's3://vls/a/../b'],
  ['S3_ENDPOINT', 'localhost:9000'],
])('a wrong %s is told at the start: %s', (name, value) => {
  expect(() => readConfig({ [name]: value })).toThrow(name);
});
