import { appendFile, link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BatchList } from '../../../shared/contracts/batch/list.ts';
import { photoNames, readPhoto } from '../../../testing/images/host.ts';
import { useService } from '../../support/running-service.ts';
import { startVls, vls } from '../../support/vls.ts';

const photos = fileURLToPath(new URL('../../../examples/photos/', import.meta.url));
// Held images wait longer than a download may take by default.
const running = useService({ IMAGE_FILE_ROOTS: photos, FETCH_TIMEOUT_MS: '120000' });

let directory: string;
let env: Record<string, string>;
beforeEach(async () => {
  running.host.release();
  directory = await mkdtemp(join(tmpdir(), 'vls-batch-'));
  env = { VLS_URL: running.service.url, DATA_DIR: join(directory, 'data'), TMPDIR: directory };
});
afterEach(async () => {
  running.host.latencyMs = 0;
  await rm(directory, { recursive: true });
});

const at = (name: string) => join(directory, name);
const csvOf = async (name: string) =>
  parse(await readFile(at(name), 'utf8'), { columns: true }) as Record<string, string>[];
const stateOf = async (name: string) => JSON.parse(await readFile(at(`${name}.vls.json`), 'utf8'));

/**
 * Pairs with columns of their own; every twentieth image is not there. The texts repeat, because each new text takes the
 * encoder milliseconds. The image host holds the images from row `heldFrom` on.
 */
async function writePairs(name: string, rows: number, heldFrom = rows): Promise<void> {
  const lines = Array.from({ length: rows }, (_, row) => {
    const photo = row % 20 === 7 ? 'missing.jpg' : photoNames[row % photoNames.length];
    const path = `${row < heldFrom ? '' : 'held/'}${photo}?${row}`;
    return `s${row},${running.host.url(path)},"photo ${row % 5}, of ${photo}",=1+${row}`;
  });
  await writeFile(at(name), `sku,photo,caption,note\n${lines.join('\n')}\n`);
}
const columns = ['--image-column', 'photo', '--text-column', 'caption', '--id-column', 'sku'];

describe('vls batch', () => {
  test('writes for 200 rows what the API says of them, row by row, and keeps the columns', async () => {
    // 34 chunks, of 4, of 64 and of 8 items.
    await writePairs('pairs.csv', 200);
    const { code, stdout } = await vls(['batch', at('pairs.csv'), ...columns, '--json'], { env });
    expect(code).toBe(4);
    const { batchId, tally, output } = JSON.parse(stdout);
    expect(output).toBe(at('pairs.scores.csv'));
    expect(tally).toMatchObject({ succeeded: 190, failed: 10, failures: { 'image.fetch.http_status': { items: 10 } } });

    const rows = await csvOf('pairs.scores.csv');
    const results = (await running.client.batch.results(batchId)).sort((a, b) => a.index - b.index);
    expect(rows).toHaveLength(200);
    for (const [index, row] of rows.entries()) {
      const result = results[index];
      const score = result?.status === 'succeeded' ? String(result.score) : '';
      const error = result?.status === 'failed' ? result.error.code : '';
      expect(row).toMatchObject({
        index: `${index}`,
        sku: `s${index}`,
        note: `'=1+${index}`,
        score,
        error_code: error,
      });
      expect(row['status']).toBe(result?.status);
    }
    // As lines they are, to the byte, the lines of the API; those of another batch of the same rows.
    const api = await running.client.call<string>(`/v1/evaluation/batch/${batchId}/results`, {
      headers: { accept: 'application/x-ndjson' },
    });
    const again = await vls(['batch', at('pairs.csv'), ...columns, '--out', at('lines.ndjson')], { env });
    expect(again.code).toBe(4);
    expect(await readFile(at('lines.ndjson'), 'utf8')).toBe(api.body);
  });

  test('posts its columns and the paths of its images, so that the service gives later readers the same table', async () => {
    await mkdir(at('photos'));
    await writeFile(at('photos/a.jpg'), await readPhoto('coffee.jpg'));
    const big = '1546130668394913822';
    const rows = `Price,IMAGE,Text\n${big},photos/a.jpg,caf\xe9\n2,photos/none.jpg,=1+1\n`;
    await writeFile(at('pairs.csv'), Buffer.from(rows, 'latin1'));
    const { code, stdout } = await vls(['batch', at('pairs.csv'), '--encoding', 'latin1', '--json'], { env });
    expect(code).toBe(4);
    const { batchId, tally } = JSON.parse(stdout);
    expect(tally.escapedCells).toBe(1);
    const here = await readFile(at('pairs.scores.csv'), 'utf8');
    expect(here).toMatch(new RegExp(`^index,Price,IMAGE,Text,status,.*\n0,${big},photos/a.jpg,café,succeeded,`));
    expect(here).toContain(",photos/none.jpg,'=1+1,failed,,,image.file.not_found,");
    const later = await vls(['results', batchId, '--format', 'csv'], { env });
    const [header, first, second] = later.stdout.split('\n');
    expect([header, first]).toEqual(here.split('\n').slice(0, 2));
    expect(second).toContain('1,2,photos/none.jpg,');
  });

  test('killed and run again continues the same batch, and has each row once', async () => {
    running.host.hold();
    await writePairs('pairs.csv', 160, 100);
    const first = startVls(['batch', at('pairs.csv'), ...columns], { env });
    await first.prints(/\d of 160/);
    first.child.kill('SIGKILL');
    await first.ended;
    const { batchId } = await stateOf('pairs.scores.csv');
    expect(await readdir(directory)).not.toContain('pairs.scores.csv');
    running.host.release();

    const second = await vls(['batch', at('pairs.csv'), ...columns], { env });
    expect(second).toMatchObject({ code: 4, stderr: expect.stringContaining(`continuing with batch ${batchId}`) });
    expect(second.stdout).toMatch(/took [\d.]+ s \([\d.]+ rows\/s on average\)/);
    expect((await csvOf('pairs.scores.csv')).map(({ index }) => Number(index))).toEqual([...Array(160).keys()]);
    const { finished, batchId: still } = await stateOf('pairs.scores.csv');
    expect({ state: finished.state, batchId: still }).toEqual({ state: 'completed_with_errors', batchId });

    const third = await vls(['batch', at('pairs.csv'), ...columns], { env });
    expect(third).toMatchObject({
      code: 4,
      stdout: expect.stringContaining('An earlier run has ended with these results'),
    });
    const { body } = await running.client.call<BatchList>('/v1/evaluation/batch?limit=1');
    expect(body.batches[0]?.id).toBe(batchId);
  });

  test('says that it waits while the workers are busy with an earlier batch', async () => {
    running.host.hold();
    await writePairs('many.csv', 400, 100);
    const many = startVls(['batch', at('many.csv'), ...columns], { env });
    await many.prints(/\d of 400/);
    await writePairs('one.csv', 1, 1);
    const one = startVls(['batch', at('one.csv'), ...columns], { env });
    await one.prints(/the batch waits for a worker/);
    running.host.release();
    expect((await one.ended).stdout).toContain('1 row');
    await many.ended;
  });

  test('on Ctrl-C leaves the batch to the service, says so, and ends with 130', async () => {
    running.host.hold();
    await writePairs('pairs.csv', 120, 80);
    const first = startVls(['batch', at('pairs.csv'), ...columns], { env });
    await first.prints(/\d of 120/);
    first.child.kill('SIGINT');
    const { batchId } = await stateOf('pairs.scores.csv');
    const { code, stderr } = await first.ended;
    expect(code).toBe(130);
    expect(stderr).toContain(`node cli/vls.js cancel ${batchId}`);
    running.host.release();
    expect((await vls(['batch', at('pairs.csv'), ...columns, '--quiet'], { env })).code).toBe(4);
    expect((await stateOf('pairs.scores.csv')).batchId).toBe(batchId);
    expect(await csvOf('pairs.scores.csv')).toHaveLength(120);
  });

  test('whose answer to the post never came finds the batch by its key', async () => {
    await writePairs('pairs.csv', 40);
    await vls(['batch', at('pairs.csv'), ...columns], { env });
    const state = await stateOf('pairs.scores.csv');
    // As after a kill between the post and its answer.
    const { batchId, finished, ...before } = state;
    expect(finished).toBeDefined();
    await rm(at('pairs.scores.csv'));
    await writeFile(at('pairs.scores.csv.vls.json'), JSON.stringify(before));
    await vls(['batch', at('pairs.csv'), ...columns], { env });
    expect((await stateOf('pairs.scores.csv')).batchId).toBe(batchId);
  });

  test('begins anew when the file has changed, and says what becomes of the batch before', async () => {
    await writePairs('pairs.csv', 30);
    await vls(['batch', at('pairs.csv'), ...columns], { env });
    const { finished: _, ...unfinished } = await stateOf('pairs.scores.csv');
    await writeFile(at('pairs.scores.csv.vls.json'), JSON.stringify(unfinished));
    await writePairs('pairs.csv', 31);
    const { stderr } = await vls(['batch', at('pairs.csv'), ...columns], { env });
    expect(stderr).toContain(`the earlier batch ${unfinished.batchId} is not touched`);
    expect(await csvOf('pairs.scores.csv')).toHaveLength(31);
  });

  test('sends images from the folder of the list, and fails missing ones', async () => {
    await writeFile(at('cat.jpg'), readPhoto('chelsea.jpg'));
    await writeFile(at('cup.jpg'), readPhoto('coffee.jpg'));
    await writeFile(
      at('pairs.ndjson'),
      [
        { image: 'cat.jpg', text: 'a cat' },
        { image: 'none.jpg', text: 'a cat' },
        { image: '../../etc/hostname.jpg', text: 'a cat' },
        { image: 'cup.jpg', text: ' ' },
        { image: 'cup.jpg' },
        { id: 'cup', image: 'cup.jpg', text: 'a cup of coffee', metadata: { row: 6 } },
      ]
        .map((row) => JSON.stringify(row))
        .join('\n'),
    );
    const { code } = await vls(['batch', at('pairs.ndjson')], { env });
    expect(code).toBe(4);
    const lines = (await readFile(at('pairs.scores.ndjson'), 'utf8')).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { index: 0, status: 'succeeded', score: expect.any(Number), cosine: expect.any(Number) },
      { index: 1, status: 'failed', error: expect.objectContaining({ code: 'image.file.not_found' }) },
      { index: 2, status: 'failed', error: expect.objectContaining({ code: 'image.file.refused' }) },
      { index: 3, status: 'failed', error: expect.objectContaining({ code: 'text.empty' }) },
      {
        index: 4,
        status: 'failed',
        error: expect.objectContaining({ code: 'item.invalid', message: expect.stringMatching(/^line 5: text/) }),
      },
      {
        index: 5,
        id: 'cup',
        metadata: { row: 6 },
        status: 'succeeded',
        score: expect.any(Number),
        cosine: expect.any(Number),
      },
    ]);
    const { batchId } = await stateOf('pairs.scores.ndjson');
    const stored = await running.client.batch.results(batchId, '');
    expect(stored.filter(({ status }) => status === 'failed')).toEqual(
      lines.map((line) => JSON.parse(line)).filter(({ status }) => status === 'failed'),
    );
    const [shown] = await running.client.batch.results(batchId, '&items=true&code=image.file.not_found');
    expect(shown).toMatchObject({ index: 1, text: 'a cat', image: null });
  });

  test('--server-files lets the service read the images, and this machine reads none', async () => {
    await writeFile(at('pairs.csv'), 'image,text\nchelsea.jpg,a cat\nnone.jpg,a cat\nphotos/set,a cat\n');
    const { code } = await vls(['batch', at('pairs.csv'), '--server-files'], { env });
    expect(code).toBe(4);
    expect(await csvOf('pairs.scores.csv')).toMatchObject([
      { image: 'chelsea.jpg', status: 'succeeded' },
      {
        image: 'none.jpg',
        error_code: 'image.file.not_found',
        error_message: expect.stringContaining('IMAGE_FILE_ROOTS'),
      },
      { image: 'photos/set', error_code: 'image.file.not_found' },
    ]);
  });

  test('reads Parquet, with the images in it', async () => {
    const file = fileURLToPath(new URL('../../unit/cli/fixtures/images.parquet', import.meta.url));
    const { code } = await vls(['batch', file, '--out', at('scores.csv'), '--limit', '1'], { env });
    expect(code).toBe(0);
    expect(await csvOf('scores.csv')).toMatchObject([{ index: '0', text: 'a red dot', status: 'succeeded' }]);
  });

  test('reads a tar of images and texts', async () => {
    const file = fileURLToPath(new URL('../../unit/formats/fixtures/tar/pairs.tar.gz', import.meta.url));
    const { code } = await vls(['batch', file, '--out', at('scores.csv')], { env });
    expect(code).toBe(0);
    expect(await csvOf('scores.csv')).toMatchObject([
      { id: '000000001', image: '000000001.jpg', text: 'a red dot', status: 'succeeded' },
      { id: '000000002', image: '000000002.png', text: 'from the JSON', status: 'succeeded' },
    ]);
  });

  test('scores the shards of a range one by one, and what is done is not scored again', async () => {
    const tar = await readFile(new URL('../../unit/formats/fixtures/tar/pairs.tar', import.meta.url));
    await writeFile(at('s-00.tar'), tar);
    const command = ['batch', at('s-{00..01}.tar'), '--out', at('scores'), '--json'];
    const missing = await vls(command, { env });
    expect(missing).toMatchObject({ code: 2, stdout: expect.stringContaining('s-01.tar') });
    expect((await readdir(directory)).filter((name) => name.startsWith('scores'))).not.toContain('s-00.scores.ndjson');
    await writeFile(at('s-01.tar'), tar);
    const first = await vls(command, { env });
    expect(first.code).toBe(0);
    const { shards } = JSON.parse(first.stdout);
    expect(shards).toMatchObject([
      { file: at('s-00.tar'), output: at('scores/s-00.scores.ndjson'), tally: { succeeded: 2 } },
      { file: at('s-01.tar'), output: at('scores/s-01.scores.ndjson'), tally: { succeeded: 2 } },
    ]);
    // As if the command had been killed before the second output was complete.
    await rm(at('scores/s-01.scores.ndjson'));
    const second = JSON.parse((await vls(command, { env })).stdout);
    expect(second.shards.map(({ batchId }: { batchId: string }) => batchId)).toEqual(
      shards.map(({ batchId }: { batchId: string }) => batchId),
    );
    expect(await readFile(at('scores/s-01.scores.ndjson'), 'utf8')).toContain('"000000002"');
    // The shards are the same, so the best sample of both ties with its copy.
    const keep = JSON.parse((await vls([...command, '--keep', at('kept'), '--top', '1'], { env })).stdout);
    expect(keep.shards).toEqual(second.shards);
    expect(keep.kept).toMatchObject({ scored: 4, kept: 2, ties: 1 });
    expect((await readdir(at('kept'))).sort()).toEqual(['ids.txt', 's-00.tar', 's-01.tar']);
  });

  test('--offline writes the same without a service, and continues where it was stopped', async () => {
    // 64 rows are written at a time, and 256 are in flight before the first.
    await writePairs('pairs.csv', 329, 260);
    await appendFile(at('pairs.csv'), 'lost,photos/set,a file that is missing,\n');
    const allowed = { ...env, IMAGE_HOSTS_ALLOW: running.host.authority, FETCH_TIMEOUT_MS: '120000' };
    await vls(['batch', at('pairs.csv'), ...columns], { env });
    running.host.hold();
    const nowhere = { ...allowed, VLS_URL: 'http://127.0.0.1:1' };
    const offline = ['batch', at('pairs.csv'), ...columns, '--offline', '--out', at('here.csv')];
    const first = startVls(offline, { env: nowhere });
    await first.prints(/\d of 330/);
    first.child.kill('SIGINT');
    expect((await first.ended).code).toBe(130);
    const { partial } = await stateOf('here.csv');
    expect(partial.rows).toBeGreaterThan(0);
    expect(partial.rows).toBeLessThan(330);
    running.host.release();
    const second = await vls(offline, { env: nowhere });
    expect(second).toMatchObject({ code: 4, stderr: expect.stringContaining(`continuing after ${partial.rows} rows`) });
    const here = await readFile(at('here.csv'), 'utf8');
    expect(here).toBe(await readFile(at('pairs.scores.csv'), 'utf8'));
    expect(here).toContain(`image.file.not_found,There is no file photos/set in ${directory}`);
  });

  test('--compare measures singles and batch with different rows, and writes no scores', async () => {
    running.host.latencyMs = 50;
    await writePairs('pairs.csv', 60);
    const { code, stdout } = await vls(['batch', at('pairs.csv'), ...columns, '--compare'], { env });
    expect(stdout).toMatch(/singles +30 +[0-3] +\d/);
    expect(stdout).toMatch(/batch +30 +[0-3] +\d/);
    expect(stdout).toMatch(
      /The batch is \d+\.\d times as fast as single requests\.\nThe two speeds were measured with different rows/,
    );
    expect(stdout).toContain('meaningful only with 64 rows or more');
    expect(stdout).toContain(
      'A second batch scored the rows of the single requests again; the scores differ by at most 0.',
    );
    const { body } = await running.client.call<BatchList>('/v1/evaluation/batch?limit=2');
    const name = 'pairs.csv (comparison)';
    expect(body.batches.map((batch) => batch.name)).toEqual([name, name]);
    // Rows 7, 27 and 47 have no image.
    expect(code).toBe(4);
    expect(await readdir(directory)).not.toContain('pairs.scores.csv');
  });

  test.each([
    ['by its name', 'pairs.csv'],
    ['by another path', './sub/../pairs.csv'],
    ['through a symbolic link', 'link.csv'],
    ['through a hard link', 'hard.csv'],
  ])('an output that is the input %s is refused, and the input stays', async (_how, out) => {
    await writePairs('pairs.csv', 3);
    await mkdir(at('sub'));
    await symlink(at('pairs.csv'), at('link.csv'));
    await link(at('pairs.csv'), at('hard.csv'));
    const before = await readFile(at('pairs.csv'), 'utf8');
    const refused = await vls(['batch', 'pairs.csv', ...columns, '--out', out, '--force'], { env, cwd: directory });
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('is the input') });
    expect(await readFile(at('pairs.csv'), 'utf8')).toBe(before);
  });

  test('an unrelated file is replaced only with --force, and the output of an earlier run without it', async () => {
    await writePairs('pairs.csv', 3);
    await writeFile(at('mine.csv'), 'my notes');
    const run = (...more: string[]) =>
      vls(['batch', at('pairs.csv'), ...columns, '--out', at('mine.csv'), ...more], { env });
    expect(await run()).toMatchObject({ code: 2, stderr: expect.stringContaining('--force replaces it') });
    expect(await readFile(at('mine.csv'), 'utf8')).toBe('my notes');
    expect((await run('--force')).code).toBe(0);
    expect(await csvOf('mine.csv')).toHaveLength(3);
    expect((await run('--again')).code).toBe(0);
  });

  test('reads stdin and writes stdout', async () => {
    await writePairs('pairs.csv', 5);
    const input = await readFile(at('pairs.csv'));
    const { code, stdout } = await vls(['batch', '-', '--format', 'csv', ...columns], { env, input });
    expect(code).toBe(0);
    const rows = parse(stdout, { columns: true }) as Record<string, string>[];
    expect(rows.map(({ sku, status }) => `${sku} ${status}`)).toEqual(
      [0, 1, 2, 3, 4].map((row) => `s${row} succeeded`),
    );
    const named = await vls(['batch', at('pairs.csv'), ...columns, '--out', '-'], { env });
    expect(parse(named.stdout, { columns: true })).toHaveLength(5);
    expect(await readdir(directory)).toEqual(expect.not.arrayContaining(['pairs.scores.csv']));
    const nameless = await vls(['batch', '-', ...columns], { env, input });
    expect(nameless).toMatchObject({ code: 2, stderr: expect.stringContaining('--format') });
  });

  test('--quiet shows failures', async () => {
    await writePairs('pairs.csv', 20);
    const { code, stdout, stderr } = await vls(['batch', at('pairs.csv'), ...columns, '--quiet'], { env });
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toMatch(/FAILURE +ROWS +FIRST\nimage\.fetch\.\w+ +1 +index 7/);
  });

  test('that is refused leaves what an earlier run has left', async () => {
    await writePairs('pairs.csv', 20);
    await vls(['batch', at('pairs.csv'), ...columns], { env });
    const before = await stateOf('pairs.scores.csv');
    const refused = await vls(['batch', at('pairs.csv'), ...columns, '--model', 'nonsense'], { env });
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('compact') });
    expect(await stateOf('pairs.scores.csv')).toEqual(before);
  });

  test.each([
    ['a column that is not there', ['batch', 'pairs.csv'], '--image-column'],
    ['an output that is neither CSV nor NDJSON', ['batch', 'pairs.csv', ...columns, '--out', 'x.xlsx'], 'x.xlsx'],
    ['a place that cannot be written', ['batch', 'pairs.csv', ...columns, '--out', 'none/x.csv'], 'none/x.csv'],
    ['a strict reading of a bad row', ['batch', 'bad.ndjson', '--strict'], 'line 1'],
    ['a limit of nothing', ['batch', 'pairs.csv', '--limit', '0'], 'Expected a whole number of 1 or more'],
    [
      'a priority that is a word',
      ['batch', 'pairs.csv', '--priority', 'high'],
      'Expected a whole number from -100 to 100',
    ],
    ['a separator in words', ['batch', 'pairs.csv', '--delimiter', 'semicolon'], 'Expected one to four characters'],
    ['a share above 1', ['batch', 'pairs.csv', '--max-failure-share', '5'], 'Expected a number from 0 to 1'],
    [
      'a count of failures below 0',
      ['batch', 'pairs.csv', '--max-failures', '-1'],
      'Expected a whole number of 0 or more',
    ],
    ['a file that does not exist', ['batch', 'missing.csv'], 'There is no file missing.csv; check its name'],
    ['a file with only a header', ['batch', 'header.csv'], 'header.csv has no rows'],
    ['a folder without images as its input', ['batch', 'pairs.csv.d.csv'], 'No images found in'],
  ])('says what is wrong with %s', async (_what, args, said) => {
    await mkdir(at('pairs.csv.d.csv'), { recursive: true });
    await writePairs('pairs.csv', 5);
    await writeFile(at('bad.ndjson'), 'nonsense\n');
    await writeFile(at('header.csv'), 'image,text\n');
    const { code, stderr } = await vls(args, { env, cwd: directory });
    expect(stderr).toContain(said);
    expect(code).toBeGreaterThan(0);
    expect(code).toBeLessThan(3);
    expect((await readdir(directory)).filter((name) => /scores|\.part$/.test(name))).toEqual([]);
  });
});
