import { beforeAll, expect, test } from 'vitest';
import { line, useReferenceService } from '../../support/reference.ts';
import { vls } from '../../support/vls.ts';

const service = useReferenceService();
let env: Record<string, string>;
beforeAll(async () => {
  await service.startWorker();
  env = { VLS_URL: service.url };
});

test('an object in a bucket is scored by the service, and the command ends when its files are written', async () => {
  const { s3 } = service;
  await s3.put('open/pairs.ndjson', [line(0), 'nonsense', line(2)].join('\n'));
  const out = s3.url('open/out/');
  const { code, stdout } = await vls(['batch', s3.url('open/pairs.ndjson'), '--out', out], { env });
  expect(code).toBe(4);
  expect(stdout).toMatch(/2 scored, 1 failed\n {2}item.invalid: 1\n/);
  expect(stdout).toContain(`${out}results.ndjson`);
  expect(await s3.keys('open/out/')).toHaveLength(3);
});

test('an object that the service does not have says so', async () => {
  const { code, stderr } = await vls(['batch', service.s3.url('open/missing.ndjson')], { env });
  expect(code).toBe(1);
  expect(stderr).toMatch(/The object s3:.*missing.ndjson does not exist/);
});

test.each([['--offline'], ['--limit', '3'], ['--server-files']])(
  '%s is for files on this machine',
  async (...flags) => {
    const { code, stderr } = await vls(['batch', service.s3.url('open/pairs.ndjson'), ...flags], { env });
    expect(code).toBe(2);
    expect(stderr).toMatch(/read by a service|service itself reads/);
  },
);
