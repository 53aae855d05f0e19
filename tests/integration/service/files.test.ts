import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parquetReadObjects } from 'hyparquet';
import { describe, expect, test } from 'vitest';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import { useService } from '../../support/running-service.ts';

const running = useService();
const batch = '/v1/evaluation/batch';
const ndjson = 'application/x-ndjson';

/** A case with an image host that is there. */
function caseOf(name: string): Buffer {
  const bytes = readFileSync(new URL(`../../cases/${name}`, import.meta.url));
  const text = bytes.toString('latin1').replaceAll(/"image":\s*(?:"http[^"]*"|\{[^}]*\})/g, `"image":"${photo()}"`);
  return Buffer.from(text.replaceAll(/http:\/\/127\.0\.0\.1:9\d+\/[^,;"\s]*/g, photo()), 'latin1');
}
const photo = () => running.host.url('coffee.jpg');

async function post(body: string | Buffer, type: string, query = '') {
  const init = { method: 'POST', body: new Uint8Array(Buffer.from(body)), headers: { 'content-type': type } };
  return await running.client.call<BatchStatus>(`${batch}${query}`, init);
}
async function finished(body: string | Buffer, type: string, query = ''): Promise<BatchStatus> {
  const { status, body: posted } = await post(body, type, query);
  expect(status).toBe(202);
  return await running.client.batch.finished(posted.id);
}
const single = '/v1/evaluation/single';
async function postForm(path: string, text: Uint8Array, contentType = 'text/plain') {
  const part = (name: string, type: string) =>
    `--b\r\nContent-Disposition: form-data; name="${name}"\r\nContent-Type: ${type}\r\n\r\n`;
  const image = `${part('image', 'text/plain')}${photo()}\r\n`;
  const body = Buffer.concat([Buffer.from(image + part('text', contentType)), text, Buffer.from('\r\n--b--\r\n')]);
  const headers = { 'content-type': 'multipart/form-data; boundary=b' };
  return await running.client.call<{ score?: number }>(path, { method: 'POST', body, headers });
}
const resultsOf = async (id: string, accept: string, query = '') =>
  await running.client.call<string>(`${batch}/${id}/results${query}`, { headers: { accept } });

describe('the encoding of an upload', () => {
  test('is the one that its content type declares', async () => {
    const { id, failures } = await finished(caseOf('csv-latin1.csv'), 'text/csv; charset=ISO-8859-1');
    expect(failures).toEqual({});
    expect((await resultsOf(id, 'text/csv')).body).toContain(',un café,crème,succeeded,');
  });

  test('is the one of the query, where that has one, for forms too', async () => {
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(caseOf('csv-latin1.csv'))]), 'pairs.csv');
    const { body } = await running.client.call<BatchStatus>(`${batch}?encoding=latin1`, { method: 'POST', body: form });
    const { id } = await running.client.batch.finished(body.id);
    expect((await resultsOf(id, 'text/csv')).body).toContain(',un café,crème,succeeded,');
  });

  test('is the one that the part of a form declares, for the file of a batch and for texts of a single request', async () => {
    const file = new FormData();
    const type = 'text/csv; charset=ISO-8859-1';
    file.append('file', new Blob([new Uint8Array(caseOf('csv-latin1.csv'))], { type }), 'pairs.csv');
    const { body } = await running.client.call<BatchStatus>(batch, { method: 'POST', body: file });
    const { id } = await running.client.batch.finished(body.id);
    expect((await resultsOf(id, 'text/csv')).body).toContain(',un café,crème,succeeded,');

    const { body: expected } = await running.client.single({ image: photo(), text: 'un café' });
    const answer = await postForm(single, Buffer.from('un café', 'latin1'), 'text/plain; charset=ISO-8859-1');
    expect([answer.status, answer.body.score]).toEqual([200, expected.score]);
  });

  test('that is wrong in a form is refused, by everything that takes texts', async () => {
    const latin1 = Buffer.from('un café', 'latin1');
    expect(await postForm(single, latin1)).toMatchObject({
      status: 400,
      body: { code: 'request.encoding', detail: expect.stringContaining('text: the byte 0xe9 at character 7') },
    });
    for (const path of ['/v1/evaluation/rank', '/v1/embeddings']) {
      expect(await postForm(path, latin1)).toMatchObject({ status: 415 });
    }
    // Options of a batch stand in its query.
    expect(await postForm(batch, latin1)).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
  });

  test('that is wrong fails each line by its number, and scores nothing in its place', async () => {
    for (const [name, type] of [
      ['csv-latin1.csv', 'text/csv'],
      ['ndjson-invalid-utf8.ndjson', ndjson],
    ] as const) {
      const { id, items, failures } = await finished(caseOf(name), type);
      expect([items.failed, failures]).toEqual([1, { 'item.encoding': 1 }]);
      expect((await resultsOf(id, ndjson)).body).toMatch(/line [12]: the byte 0xe9 .*charset/);
      const strict = await post(caseOf(name), type, '?strict=true');
      expect(strict.status).toBe(400);
    }
  });

  test('that is unknown is refused with 415', async () => {
    const answer = await post(caseOf('csv-latin1.csv'), 'text/csv; charset="klingon"');
    expect([answer.status, (answer.body as unknown as { code: string }).code]).toEqual([
      415,
      'request.unsupported_media_type',
    ]);
    expect((await post('{}', ndjson, '?encoding=klingon')).status).toBe(415);
  });

  test('may be UTF-16 in CSV, NDJSON and JSON', async () => {
    const item = { image: photo(), text: 'Größe 絵' };
    const forms = [
      [`image,text\n${item.image},${item.text}\n`, 'text/csv'],
      [JSON.stringify(item), ndjson],
      [JSON.stringify({ items: [item] }), 'application/json'],
    ] as const;
    for (const [text, type] of forms) {
      const { id } = await finished(Buffer.from(`\uFEFF${text}`, 'utf16le'), type);
      expect((await resultsOf(id, 'text/csv')).body).toContain('Größe 絵');
    }
  });
});

test('a JSON body keeps the digits of metadata, takes numbers as ids, and its own numbers are numbers', async () => {
  const body = `{"priority":5.0,"items":[{"id":12345678901234567890,"image":"${photo()}","text":"a","metadata":{"x":1e400,"__proto__":{"y":1.0}}}]}`;
  const { id, priority } = await finished(body, 'application/json');
  expect(priority).toBe(5);
  const line = '{"index":0,"id":"12345678901234567890","metadata":{"x":1e400,"__proto__":{"y":1.0}},';
  expect((await resultsOf(id, ndjson)).body.startsWith(line)).toBe(true);
  expect((await resultsOf(id, 'application/json')).body).toBeTruthy();
  const raw = await fetch(`${running.service.url}/evaluator${batch}/${id}/results`);
  expect(await raw.text()).toContain('"metadata":{"x":1e400,"__proto__":{"y":1.0}}');
});

test('NDJSON that was posted with halves of pairs and odd line breaks is read line by line by Python', async (context) => {
  const { id } = await finished(Buffer.concat([caseOf('items-odd.ndjson'), caseOf('lone-surrogate.ndjson')]), ndjson);
  const { body } = await resultsOf(id, ndjson);
  const ids = body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).id);
  expect(ids).toHaveLength(14);
  expect(body).toContain('"tweet":1234567890123456789,"f":1.0,"inf":1e400,"neg":-0');
  const script = `
import json, sys
lines = sys.stdin.buffer.read().decode('utf-8').splitlines()
print(json.dumps([json.loads(line).get('id') for line in lines], ensure_ascii=True).encode('utf-8').decode())
for line in lines: json.dumps(json.loads(line), ensure_ascii=False).encode('utf-8')
`;
  const python = spawnSync('python3', ['-c', script], { input: body, encoding: 'utf8' });
  if (python.error !== undefined) return context.skip(`python3 is not here: ${python.error.message}`);
  expect(python.stderr).toBe('');
  expect(JSON.parse(python.stdout)).toEqual(ids);
});

test('CSV says in a header and in the summary how many cells begin like a formula, and NDJSON changes none', async () => {
  const rows = `=1+1,${photo()},plain\n-2,${photo()},@x\n+3 a,${running.host.url('missing.jpg')},-y\n`;
  const { id } = await finished(`=note,image,text\n${rows}`, 'text/csv');
  const summary = await running.client.call<BatchSummary>(`${batch}/${id}/summary`);
  // One in the first row, one in the second, two in the third; the header is not an item.
  expect(summary.body.formulaCells).toBe(4);
  for (const [query, count] of [
    ['', '5'],
    ['?formulas=keep', '0'],
    ['?status=succeeded', '3'],
    ['?status=failed', '3'],
  ] as const) {
    const { headers, body } = await resultsOf(id, 'text/csv', query);
    expect([query, headers.get('vls-escaped-cells')]).toEqual([query, count]);
    expect(body.match(/(?<=^|,)'/gm)?.length ?? 0).toBe(Number(count));
  }
  const kept = await resultsOf(id, 'text/csv', '?formulas=keep');
  expect(kept.body.split('\n').map((line) => line.split(',').slice(1, 4).join(','))).toEqual([
    ...`=note,image,text\n${rows}`.trim().split('\n'),
    '',
  ]);
  const lines = await resultsOf(id, ndjson);
  expect(lines.headers.has('vls-escaped-cells')).toBe(false);
  expect(lines.body).toContain('"metadata":{"=note":"=1+1"}');
});

test('NDJSON that says which columns its items come from gives CSV with these columns', async () => {
  const item = { image: { base64: 'AAAA', path: 'a/b.jpg' }, text: 'a', id: '7', metadata: { price: '12.50' } };
  const columns = encodeURIComponent(JSON.stringify(['sku', 'photo', 'price', 'caption']));
  const names = 'image=photo&text=caption&id=sku';
  const { id } = await finished(JSON.stringify(item), ndjson, `?columns=${columns}&${names}`);
  const [header, row] = (await resultsOf(id, 'text/csv')).body.split('\n');
  expect(header).toBe('index,sku,photo,price,caption,status,score,cosine,error_code,error_message,warnings');
  expect(row).toMatch(/^0,7,a\/b\.jpg,12\.50,a,failed,/);
  for (const [query, type] of [
    ['?columns=nonsense', ndjson],
    ['?columns=["a","a"]', ndjson],
    ['?columns=["a"]', 'text/csv'],
  ] as const) {
    expect((await post('{}', type, query)).status).toBe(400);
  }
});

describe('a format', () => {
  const tsv = 'text/tab-separated-values';
  const table = (separator: string) =>
    [
      ['id', 'image', 'text', 'shop'],
      ['a', photo(), 'a cup, of coffee', 'Basel'],
    ]
      .map((row) => row.join(separator))
      .join('\n');
  const array = () =>
    `[{"id": "a", "image": "${photo()}", "text": "a", "metadata": {"w": 1.0}}, {"id": "b", "text": "b"}]`;
  const uploaded = async (content: string, name: string) => {
    const form = new FormData();
    form.append('file', new Blob([content], { type: 'application/octet-stream' }), name);
    return await running.client.call<BatchStatus>(batch, { method: 'POST', body: form });
  };

  test('is TSV in and out, as a body and as the file of a form', async () => {
    const { id } = await finished(table('\t'), tsv);
    const answer = await resultsOf(id, tsv);
    expect(answer.headers.get('content-type')).toBe(`${tsv}; charset=utf-8`);
    expect(answer.headers.get('content-disposition')).toContain(`batch-${id}.tsv`);
    expect(answer.headers.get('vls-escaped-cells')).toBe('0');
    const [header, row] = answer.body.split('\n').map((line) => line.split('\t'));
    expect(header?.slice(0, 6)).toEqual(['index', 'id', 'image', 'text', 'shop', 'status']);
    expect(row?.slice(0, 6)).toEqual(['0', 'a', photo(), 'a cup, of coffee', 'Basel', 'succeeded']);

    const { status, body } = await uploaded(table('\t'), 'pairs.TSV');
    expect(status).toBe(202);
    expect((await running.client.batch.finished(body.id)).items).toMatchObject({ succeeded: 1, failed: 0 });
  });

  test('is a JSON array, as a body with options in the query, and as the file of a form', async () => {
    const posted = await finished(array(), 'application/json', '?priority=3');
    expect(posted).toMatchObject({ priority: 3, items: { total: 2, succeeded: 1, failed: 1 } });
    expect((await resultsOf(posted.id, ndjson)).body).toContain('"metadata":{"w":1.0}');

    const { status, body } = await uploaded(array(), 'pairs.json');
    expect(status).toBe(202);
    const { id } = await running.client.batch.finished(body.id);
    expect((await resultsOf(id, ndjson)).body).toContain('items[1]: image: is missing');
    expect((await resultsOf(id, ndjson)).body).toContain('"metadata":{"w":1.0}');

    const strict = await post(array(), 'application/json', '?strict=true');
    expect(strict.status).toBe(400);
    const half = await uploaded(array().slice(0, -20), 'pairs.json');
    expect([half.status, JSON.stringify(half.body)]).toEqual([400, expect.stringContaining('after 1 items')]);
  });

  test('is Parquet for results, with the columns that were posted', async () => {
    const { id } = await finished(`${table(',').replace(', of coffee', '')}\nb,${photo()},a dog,=1\n`, 'text/csv');
    const headers = { accept: 'application/vnd.apache.parquet' };
    const answer = await fetch(`${running.service.url}/evaluator${batch}/${id}/results`, { headers });
    expect(answer.headers.get('content-type')).toBe('application/vnd.apache.parquet');
    expect(answer.headers.get('content-disposition')).toContain(`batch-${id}.parquet`);
    const rows = await parquetReadObjects({ file: await answer.arrayBuffer() });
    expect(rows).toMatchObject([
      { index: 0n, id: 'a', image: photo(), text: 'a cup', shop: 'Basel', status: 'succeeded', error_code: null },
      { index: 1n, id: 'b', shop: '=1', score: expect.any(Number), cosine: expect.any(Number) },
    ]);
  });

  test('that is not supported is refused with the supported endings', async () => {
    const { status, body } = await uploaded('PK', 'pairs.xlsx');
    expect(status).toBe(415);
    expect(JSON.stringify(body)).toContain('.ndjson, .jsonl, .csv, .tsv');
  });
});
