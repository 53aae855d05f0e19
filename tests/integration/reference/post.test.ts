import { readFile } from 'node:fs/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { parquetReadObjects } from 'hyparquet';
import { Redis } from 'ioredis';
import { beforeAll, describe, expect, test } from 'vitest';
import { createClient } from '../../../testing/client.ts';
import { startProcess } from '../../../testing/processes/service.ts';
import { keyOf, line, lines, resultsIn, useReferenceService } from '../../support/reference.ts';

const service = useReferenceService();

describe('with a worker', () => {
  beforeAll(async () => void (await service.startWorker()));

  test('a file of lines becomes files of results, complete and in order, and Redis holds next to nothing of it', async () => {
    const { s3, post, written, redis } = service;
    const count = 5_000;
    await s3.put('open/a/pairs.ndjson', lines(count));
    const monitor = new Redis(redis.url);
    const usedNow = async () => Number(/used_memory:(\d+)/.exec(await monitor.info('memory'))?.[1]);
    const before = await usedNow();
    let peak = 0;
    const sampling = setInterval(async () => {
      peak = Math.max(peak, await usedNow());
    }, 20);
    const posted = await post({ input: s3.url('open/a/pairs.ndjson') });
    expect(posted.status).toBe(202);
    expect(posted.body).toMatchObject({
      state: 'accepting',
      input: s3.url('open/a/pairs.ndjson'),
      files: { state: 'pending', results: s3.url(`open/a/${posted.body.id}/results.ndjson`), csv: null },
    });
    const ended = await written(posted.body.id);
    clearInterval(sampling);
    monitor.disconnect();
    expect(ended).toMatchObject({
      state: 'completed',
      items: { total: count, succeeded: count },
      files: { state: 'written', error: null },
    });
    const folder = `open/a/${ended.id}/`;
    expect((await s3.keys(folder)).sort()).toEqual(
      ['failures.ndjson', 'results.ndjson', 'status.json'].map((name) => folder + name),
    );
    const results = await resultsIn(s3, `${folder}results.ndjson`);
    expect(results.map(({ index, id }) => [index, id])).toEqual(
      Array.from({ length: count }, (_, index) => [index, `item-${index}`]),
    );
    expect(results.every(({ status }) => status === 'succeeded')).toBe(true);
    expect((await s3.get(`${folder}failures.ndjson`)).length).toBe(0);
    expect(JSON.parse((await s3.get(`${folder}status.json`)).toString())).toMatchObject({
      id: ended.id,
      state: 'completed',
      files: { state: 'written' },
    });
    // The constant part, mainly the jobs of chunks, is as large for 5,000 items as for 200,000.
    expect(peak).toBeGreaterThan(before);
    expect((peak - before) / 1024 / 1024).toBeLessThan(1);
  });

  test('bad lines are failed items, and their file can be posted again once it is put right', async () => {
    const { s3, post, written } = service;
    const bad = ['{"image": 5, "text": "x", "id": "five"}', 'nonsense'];
    await s3.put('open/b/pairs.jsonl', [line(0), ...bad, line(3)].join('\n'));
    const { body } = await post({ input: s3.url('open/b/pairs.jsonl'), output: s3.url('open/b/out') });
    const ended = await written(body.id);
    expect(ended).toMatchObject({ state: 'completed_with_errors', failures: { 'item.invalid': 2 } });
    expect(ended.files?.failures).toBe(s3.url('open/b/out/failures.ndjson'));
    const failures = (await s3.get('open/b/out/failures.ndjson')).toString().trim().split('\n');
    expect(failures.map((text) => JSON.parse(text))).toMatchObject([
      { id: 'five', error: { code: 'item.invalid', message: expect.stringContaining('line 2') } },
      { error: { code: 'item.invalid', message: expect.stringContaining('line 3') } },
    ]);
    const corrected = failures.map((text) => JSON.stringify({ ...JSON.parse(line(7)), ...JSON.parse(text) }));
    await s3.put('open/b/again.ndjson', corrected.join('\n'));
    const again = await post({ input: s3.url('open/b/again.ndjson') });
    expect(await written(again.body.id)).toMatchObject({ state: 'completed', items: { total: 2 } });
  });

  test('a tar of images and texts is read as it arrives', async () => {
    const { s3, post, written } = service;
    const tar = await readFile(new URL('../../unit/formats/fixtures/tar/pairs.tar.gz', import.meta.url));
    await s3.put('open/tar/pairs.tar.gz', tar);
    const { body } = await post({ input: s3.url('open/tar/pairs.tar.gz') });
    expect(await written(body.id)).toMatchObject({ state: 'completed', items: { total: 2 } });
    const results = await resultsIn(s3, `open/tar/${body.id}/results.ndjson`);
    expect(results.map(({ id }) => id)).toEqual(['000000001', '000000002']);
    await s3.put('open/tar/cut.tar', gunzipSync(tar).subarray(0, 700));
    const cut = await post({ input: s3.url('open/tar/cut.tar') });
    expect(await written(cut.body.id)).toMatchObject({
      state: 'failed',
      inputError: { code: 'request.invalid', message: expect.stringContaining('The tar ends too early') },
    });
  });

  test('Parquet is read, and comes back as Parquet with its columns and their types', async () => {
    const { s3, post, written } = service;
    await s3.put(
      'open/p/links.parquet',
      await readFile(new URL('../../unit/cli/fixtures/links.parquet', import.meta.url)),
    );
    const columns = { image: 'url', text: 'caption', id: 'key' };
    const { body } = await post({ input: s3.url('open/p/links.parquet'), columns });
    const ended = await written(body.id);
    expect(ended).toMatchObject({
      state: 'completed_with_errors',
      items: { total: 10, failed: 1 },
      files: { csv: null },
    });
    const bytes = await s3.get(keyOf(ended.files?.parquet ?? ''));
    const rows = await parquetReadObjects({ file: Uint8Array.from(bytes).buffer });
    expect(rows).toHaveLength(10);
    expect(rows[2]).toMatchObject({
      index: 2n,
      key: 2n,
      hash: 2n ** 53n + 3n,
      status: 'succeeded',
      score: expect.any(Number),
    });
    expect(rows[3]).toMatchObject({ status: 'failed', error_code: 'item.invalid', score: null });
    await s3.put('open/p/cut.parquet', Buffer.from('PAR1 and no more'));
    const cut = await post({ input: s3.url('open/p/cut.parquet') });
    expect(await written(cut.body.id)).toMatchObject({
      state: 'failed',
      inputError: { code: 'request.invalid', message: expect.stringContaining('cannot be read as Parquet') },
    });
  });

  test('the tables of the results may be named', async () => {
    const { s3, post, written } = service;
    await s3.put('open/t/pairs.ndjson', lines(3));
    const { body } = await post({ input: s3.url('open/t/pairs.ndjson'), tables: ['parquet'] });
    const ended = await written(body.id);
    expect(ended.files).toMatchObject({ csv: null, parquet: s3.url(`open/t/${body.id}/results.parquet`) });
    const bytes = await s3.get(keyOf(ended.files?.parquet ?? ''));
    const rows = await parquetReadObjects({ file: Uint8Array.from(bytes).buffer });
    expect(rows.map(({ id }) => id)).toEqual(['item-0', 'item-1', 'item-2']);
  });

  test('CSV with columns of its own, compressed, comes back as CSV too', async () => {
    const { s3, post, written } = service;
    const csv = 'sku;photo;caption;price\nA-1;https://example.org/1.jpg;a cat;3\nA-2;https://example.org/2.jpg;;4\n';
    await s3.put('open/c/pairs.csv.gz', gzipSync(csv));
    const columns = { image: 'photo', text: 'caption', id: 'sku' };
    const { body } = await post({ input: s3.url('open/c/pairs.csv.gz'), columns, delimiter: ';' });
    const ended = await written(body.id);
    expect(ended).toMatchObject({ state: 'completed', items: { total: 2 } });
    const rows = (await s3.get(keyOf(ended.files?.csv ?? ''))).toString().trim().split('\n');
    expect(rows[0]).toBe('index,sku,photo,caption,price,status,score,cosine,error_code,error_message,warnings');
    expect(rows[1]).toMatch(/^0,A-1,https:\/\/example.org\/1.jpg,a cat,3,succeeded,/);
  });

  test('an object is read in the encoding that is named; without one its bad lines fail by themselves', async () => {
    const { s3, post, written } = service;
    const csv = 'image,text\nhttps://example.org/1.jpg,a cup\nhttps://example.org/2.jpg,un caf\xe9\n';
    await s3.put('open/e/pairs.csv', Buffer.from(csv, 'latin1'));
    const input = s3.url('open/e/pairs.csv');
    const named = await written((await post({ input, encoding: 'latin1' })).body.id);
    expect(named).toMatchObject({ state: 'completed', failures: {} });
    const rows = (await s3.get(keyOf(named.files?.csv ?? ''))).toString();
    expect(rows).toContain(',un café,succeeded,');
    const unnamed = await written((await post({ input })).body.id);
    expect(unnamed).toMatchObject({ items: { succeeded: 1 }, failures: { 'item.encoding': 1 } });
    expect((await post({ input, encoding: 'klingon' })).status).toBe(415);
  });

  test('a CSV without the columns ends its batch, with the reason in its status and in its file', async () => {
    const { s3, post, written } = service;
    await s3.put('open/d/pairs.csv', 'a,b\n1,2\n');
    const { body } = await post({ input: s3.url('open/d/pairs.csv') });
    const ended = await written(body.id);
    expect(ended).toMatchObject({
      state: 'failed',
      reason: 'input',
      inputError: { code: 'request.invalid', message: expect.stringContaining('no column image') },
      items: { total: 0, succeeded: 0, failed: 0, cancelled: 0, pending: 0 },
    });
    const file = JSON.parse((await s3.get(keyOf(ended.files?.status ?? ''))).toString());
    expect(file).toMatchObject({ state: 'failed', inputError: { code: 'request.invalid' } });
  });

  test('an object without items ends its batch', async () => {
    const { s3, post, written } = service;
    await s3.put('open/e/pairs.ndjson', '\n\n');
    const { body } = await post({ input: s3.url('open/e/pairs.ndjson') });
    expect(await written(body.id)).toMatchObject({ state: 'failed', inputError: { code: 'batch.empty' } });
  });

  test('a retry has only the failed items, and writes its files next to those of its batch', async () => {
    const { s3, post, written, client } = service;
    await s3.put('open/f/pairs.ndjson', [line(0), 'nonsense', line(2)].join('\n'));
    const { body } = await post({ input: s3.url('open/f/pairs.ndjson') });
    await written(body.id);
    const retried = await client.post<typeof body>(`/v1/evaluation/batch/${body.id}/retry`, {});
    expect(retried.status).toBe(202);
    const ended = await written(retried.body.id);
    expect(ended.files?.results).toBe(s3.url(`open/f/${ended.id}/results.ndjson`));
    expect(await resultsIn(s3, keyOf(ended.files?.results ?? ''))).toMatchObject([{ index: 0, retryOfIndex: 1 }]);
  });

  test('deleting a batch removes its payloads, and neither its object nor its files', async () => {
    const { s3, post, written, client } = service;
    await s3.put('open/g/pairs.ndjson', lines(300));
    const { body } = await post({ input: s3.url('open/g/pairs.ndjson') });
    await written(body.id);
    expect((await s3.keys(`payloads/${body.id}/`)).length).toBeGreaterThan(60);
    const deleted = await client.call(`/v1/evaluation/batch/${body.id}`, { method: 'DELETE' });
    expect(deleted.status).toBe(204);
    expect(await s3.keys(`payloads/${body.id}/`)).toEqual([]);
    expect(await s3.keys('open/g/')).toHaveLength(4);
  });

  test('the same body with the same key leads to the same batch, also when the object has gone meanwhile', async () => {
    const { s3, post } = service;
    await s3.put('open/h/pairs.ndjson', lines(3));
    const body = { input: s3.url('open/h/pairs.ndjson') };
    const key = { 'idempotency-key': 'once' };
    const [first, second] = [await post(body, key), await post(body, key)];
    expect(second.body.id).toBe(first.body.id);
    const other = await post({ ...body, priority: 3 }, key);
    expect([other.status, other.body.code]).toEqual([422, 'idempotency.mismatch']);
  });

  test('the list and the events of a tenant tell of a batch by reference', async () => {
    const { s3, post, client, written } = service;
    await s3.put('open/i/pairs.ndjson', lines(10));
    const { body } = await post({ input: s3.url('open/i/pairs.ndjson') });
    const events = await client.call<string>(`/v1/evaluation/batch/${body.id}/events`);
    expect(events.body).toMatch(/event: end/);
    const list = await client.call<{ batches: { id: string }[] }>('/v1/evaluation/batch');
    expect(list.body.batches.map(({ id }) => id)).toContain(body.id);
    await written(body.id);
  });
});

describe('what is refused at once', () => {
  test.each([
    ['another folder of the bucket', 's3://vls-test/payloads/x.ndjson', 403, 'storage.outside'],
    ['a folder whose name begins the same', 's3://vls-test/opened/x.ndjson', 403, 'storage.outside'],
    ['another bucket', 's3://other/open/x.ndjson', 403, 'storage.outside'],
    ['a way out of the folder', 's3://vls-test/open/../payloads/x.ndjson', 400, 'request.invalid'],
    ['an empty part', 's3://vls-test/open//x.ndjson', 400, 'request.invalid'],
    ['a control character', 's3://vls-test/open/a\u0000b.ndjson', 400, 'request.invalid'],
    ['no address', 'open/x.ndjson', 400, 'request.invalid'],
    ['a web address', 'https://example.org/x.ndjson', 400, 'request.invalid'],
    ['a folder', 's3://vls-test/open/', 400, 'request.invalid'],
    ['a name that does not say what it is', 's3://vls-test/open/x.data', 400, 'request.invalid'],
    ['an object that is not there', 's3://vls-test/open/missing.ndjson', 422, 'storage.not_found'],
  ])('%s', async (_, input, status, code) => {
    const refused = await service.post({ input });
    expect([refused.status, refused.body.code]).toEqual([status, code]);
  });

  test('an output outside the folders', async () => {
    const { s3, post } = service;
    await s3.put('open/x.ndjson', lines(1));
    const refused = await post({ input: s3.url('open/x.ndjson'), output: s3.url('elsewhere/') });
    expect([refused.status, refused.body.code]).toEqual([403, 'storage.outside']);
    expect(refused.body.detail).toMatch(/output.*s3:\/\/vls-test\/open\/.*BATCH_BUCKETS/);
  });

  test('everything, where no folder is open to anybody', async () => {
    const closed = await startProcess('stub-api', { ...service.env, BATCH_BUCKETS: '' });
    const { status, body } = await createClient(closed.url).post<{ code: string; detail: string }>(
      '/v1/evaluation/batch',
      { input: 's3://vls-test/open/x.ndjson' },
    );
    expect([status, body.code]).toEqual([403, 'storage.outside']);
    expect(body.detail).toMatch(/BATCH_BUCKETS/);
    await closed.kill();
  });

  test('an object that the credentials of the service may not read', async () => {
    const { s3, env } = service;
    await s3.put('open/x.ndjson', lines(1));
    const wrong = await startProcess('stub-api', { ...env, AWS_ACCESS_KEY_ID: 'nobody' });
    const { status, body } = await createClient(wrong.url).post<{ code: string }>('/v1/evaluation/batch', {
      input: s3.url('open/x.ndjson'),
    });
    expect([status, body.code]).toEqual([422, 'storage.forbidden']);
    await wrong.kill();
  });
});

test('results that would take the place of the input are refused', async () => {
  const { s3, post } = service;
  await s3.put('open/again/failures.ndjson', lines(2));
  const input = s3.url('open/again/failures.ndjson');
  const refused = await post({ input, output: s3.url('open/again') });
  expect(refused).toMatchObject({ status: 400, body: { code: 'request.invalid', errors: [{ path: 'output' }] } });
});
