import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { beforeAll, expect, test } from 'vitest';
import { readBody } from '../../../formats/body.ts';
import { readItems } from '../../../formats/index.ts';
import { line, useReferenceService } from '../../support/reference.ts';
import { vls } from '../../support/vls.ts';

const service = useReferenceService();
let env: Record<string, string>;
const tarOptions = { strictness: 'lenient', columns: { image: 'image', text: 'text', id: 'id' } } as const;
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

test('the best samples of a tar come back as a tar, and of several tars those with the score', async () => {
  const { s3 } = service;
  const tar = async (count: number) => {
    const writer = pack();
    for (let at = 0; at < count; at++) {
      writer.entry({ name: `${at}.jpg` }, Buffer.from(`image ${at}`));
      writer.entry({ name: `${at}.txt` }, `text ${at}`);
    }
    writer.finalize();
    return Buffer.concat(await Readable.from(writer).toArray());
  };
  await s3.put('open/t/a.tar', await tar(40));
  await s3.put('open/t/b.tar.gz', gzipSync(await tar(7)));
  const namesIn = async (key: string) => {
    const bytes = await s3.get(key);
    const items = readItems('tar', readBody(Readable.from([bytes])).bytes, tarOptions).items;
    const ids: (string | undefined)[] = [];
    for await (const some of items) ids.push(...some.map(({ id }) => id));
    return ids;
  };
  const read = async (key: string) => (await s3.get(key)).toString();
  const scores = async (key: string) =>
    (await read(key))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; score: number })
      // The service rounds scores to four decimals; the formula of these workers does not.
      .map(({ id, score }) => ({ id, score: Number(score.toFixed(4)) }));

  const top = await vls(['batch', s3.url('open/t/a.tar'), '--out', s3.url('open/t/out/'), '--top', '25%'], { env });
  expect(top.stdout).toContain(s3.url('open/t/out/kept.tar'));
  const all = await scores('open/t/out/results.ndjson');
  const last = all.map(({ score }) => score).sort((a, b) => b - a)[9] ?? 0;
  const best = all.filter(({ score }) => score >= last).map(({ id }) => id);
  expect(await namesIn('open/t/out/kept.tar')).toEqual(best);
  expect((await read('open/t/out/kept.txt')).trim().split('\n')).toEqual(best);

  const files = [s3.url('open/t/a.tar'), s3.url('open/t/b.tar.gz')];
  const both = await vls(['batch', ...files, '--out', s3.url('open/t/both'), '--min-score', String(last), '--json'], {
    env,
  });
  expect(JSON.parse(both.stdout).shards).toHaveLength(2);
  expect(await namesIn('open/t/both/a/kept.tar')).toEqual(best);
  const some = (await scores('open/t/both/b/results.ndjson')).filter(({ score }) => score >= last).map(({ id }) => id);
  expect(await namesIn('open/t/both/b/kept.tar.gz')).toEqual(some);
});

test.each([
  [['pairs.ndjson', '--min-score', '20'], 'selects samples of a tar or of Parquet'],
  [['t/a.tar', 't/b.tar.gz', '--top', '5'], '--top selects the best samples of one object'],
  [['t/a.tar', '--keep', 'kept', '--top', '5'], 'leave out --keep'],
])('%s is refused', async (words, message) => {
  const names = words.map((word) => (/^\w+[./]/.test(word) ? service.s3.url(`open/${word}`) : word));
  const { code, stderr } = await vls(['batch', ...names], { env });
  expect(code).not.toBe(0);
  expect(stderr).toContain(message);
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
