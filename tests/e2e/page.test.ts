import type { Page } from 'playwright-core';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ResultsPage } from '../../shared/contracts/batch/results.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import { findChromium } from '../../testing/chromium.ts';
import { captions, photoNames, readPhoto } from '../../testing/images/host.ts';
import { untilTrue, useBrowser, type WatchedPage } from '../support/browser.ts';
import { textDownloads } from '../support/downloads.ts';
import { useService } from '../support/running-service.ts';
import { saveScreenshot } from '../support/screenshots.ts';
import { vls } from '../support/vls.ts';

const chromium = findChromium();
if (chromium === undefined) console.log('The tests of the page are skipped: there is no Chromium on the PATH.');

describe.skipIf(chromium === undefined)('the page', () => {
  const running = useService();
  const browser = useBrowser();
  let watched: WatchedPage;
  let page: Page;

  beforeEach(async () => {
    running.host.latencyMs = 0;
    running.host.failing = false;
    watched = await browser.open({ acceptDownloads: true });
    page = watched.page;
  });
  afterEach(async () => {
    // A browser reports images that their host does not have; some rows of the tests name such images.
    const complaints = watched.complaints.filter(
      (complaint) => !complaint.includes(`http://${running.host.authority}/`),
    );
    await watched.context.close();
    expect(complaints).toEqual([]);
  });

  const open = async (view = '') => {
    const response = await page.goto(`${running.service.url}/evaluator/${view === '' ? '' : `#/${view}`}`);
    await page.locator('h1').waitFor();
    return response;
  };

  /** A CSV with names of its own; every fifth address leads nowhere, every seventh text is empty. */
  function csvOf(rows: number): { name: string; mimeType: string; buffer: Buffer } {
    const lines = Array.from({ length: rows }, (_, at) => {
      const photo = photoNames[at % 6] ?? '';
      const address = running.host.url(`${at % 5 === 3 ? 'missing.jpg' : photo}?${at}`);
      // Texts of long files repeat, because each new text takes the encoder milliseconds.
      return `S-${at};${address};"${at % 7 === 2 ? '' : `${captions[photo]}; ${at % 60}`}";${at * 2}`;
    });
    const buffer = Buffer.from(`sku;photo;caption;price\n${lines.join('\n')}\n`);
    return { name: 'pairs.csv', mimeType: 'text/csv', buffer };
  }

  /** Starts a batch as a person does, and gives its id when its view is there. */
  async function startBatch(file: { name: string; mimeType: string; buffer: Buffer }): Promise<string> {
    await open('batches/new');
    await page.locator('input[type=file]').setInputFiles(file);
    await page.getByRole('button', { name: 'Start' }).click();
    await page.waitForURL(/#\/batches\/[0-9a-f-]{36}/);
    return /batches\/([0-9a-f-]{36})/.exec(page.url())?.[1] ?? '';
  }

  const badge = () => page.locator('main').getByRole('status');
  const done = async () => Number(await page.getByRole('progressbar').getAttribute('aria-valuenow'));

  /** Waits until the bar says more than `than`. */
  async function untilDone(than: number): Promise<number> {
    await untilTrue(
      page,
      `Number(document.querySelector('[role=progressbar]')?.getAttribute('aria-valuenow')) > ${than}`,
    );
    return await done();
  }

  test('a photo that is dropped is scored against its captions, in words, with receipt and curl', async () => {
    const response = await open();
    expect(response?.headers()['content-security-policy']).toContain("script-src 'self'");
    await drop(page, 'chelsea.jpg');
    await page.getByLabel('Captions').fill('a cup of coffee\na cat looking at the camera\n');
    await page.getByRole('button', { name: 'Score' }).click();
    const best = page.locator('.scores > li').first();
    await best.waitFor();
    expect(await best.innerText()).toMatch(/a cat looking at the camera\s+5\d\.\d\s+good match/);
    expect(await page.locator('.scores > li').last().innerText()).toContain('a cup of coffee');
    expect(await page.getByRole('region', { name: 'Receipt' }).innerText()).toContain('compact-1');
    expect(await page.getByRole('region', { name: 'Timings' }).innerText()).toMatch(/Total\s+[\d.]+\sms/);
    expect(await page.getByRole('region', { name: 'curl command' }).innerText()).toContain(
      `--form-string 'text=a cup of coffee'`,
    );
    await saveScreenshot(page, 'try');
  });

  test('an image is scored by its address, and a refusal says why', async () => {
    await open();
    await page.getByLabel('Or its URL').fill(running.host.url('coffee.jpg'));
    await page.getByText('The image at the URL below').waitFor();
    await page.getByLabel('Captions').fill('a cup of coffee');
    await page.getByRole('button', { name: 'Score' }).click();
    await page.getByRole('heading', { name: 'Scores' }).waitFor();
    expect(await page.getByRole('region', { name: 'curl command' }).innerText()).toContain(`"text":"a cup of coffee"`);

    await page.getByLabel('Or its URL').fill('http://10.0.0.1/cat.jpg');
    await page.getByRole('button', { name: 'Score' }).click();
    const problem = page.getByRole('alert');
    await problem.waitFor();
    expect(await problem.innerText()).toContain('image.fetch.blocked_address');
    // The browser says so itself of every answer that is not 2xx, and of the preview that it could not load.
    const aboutThis = watched.complaints.filter((text) => /evaluation\/single|10\.0\.0\.1/.test(text));
    watched.complaints = watched.complaints.filter((text) => !aboutThis.includes(text));
  });

  test('Ctrl-Enter in the URL field sends the request, and a change marks the scores as old', async () => {
    await open();
    await page.getByLabel('Captions').fill('a cup of coffee');
    await page.getByLabel('Or its URL').fill(running.host.url('coffee.jpg'));
    await page.getByLabel('Or its URL').press('Control+Enter');
    await page.getByRole('heading', { name: 'Scores' }).waitFor();
    expect(await page.getByText('These scores are old').count()).toBe(0);
    await page.getByLabel('Or its URL').fill(running.host.url('chelsea.jpg'));
    await page.getByText('These scores are old').waitFor();

    const file = { name: 'pairs.csv', mimeType: 'image/jpeg', buffer: Buffer.from('image,text\nx,y\n') };
    await page.locator('input[type=file]').setInputFiles(file);
    await page.getByText('pairs.csv cannot be read as an image. Found no known format').waitFor();
    expect(await page.getByRole('heading', { name: 'Scores' }).count()).toBe(0);
  });

  test('the example names the photo that it waits for, and says that the service does not answer', async () => {
    await open();
    const held = Promise.withResolvers<void>();
    await page.route(/chelsea.*\.jpg$/, async (route) => {
      await held.promise;
      await route.abort();
    });
    await page.getByRole('button', { name: 'Try an example' }).click();
    await page.getByRole('button', { name: 'Scoring…' }).waitFor();
    await page.getByText('Waiting for the example photo.').waitFor();
    held.resolve();
    await page.getByText('The service does not answer').waitFor();
    await page.getByRole('button', { name: 'Score', exact: true }).waitFor();
    // The browser reports the failed request itself.
    watched.complaints = watched.complaints.filter((text) => !/ERR_FAILED/.test(text));
  });

  test('the scores scroll into view where they are below the form, and only there', async () => {
    const top = async () => (await page.getByRole('heading', { name: 'Scores' }).boundingBox())?.y ?? 0;
    for (const [width, scrolls] of [
      [390, true],
      [1180, false],
    ] as const) {
      await page.setViewportSize({ width, height: 800 });
      await open();
      await page.getByRole('button', { name: 'Try an example' }).click();
      await page.getByRole('heading', { name: 'Scores' }).waitFor();
      await untilTrue(page, `(scrollY > 0) === ${scrolls}`);
      expect(await top()).toBeGreaterThan(0);
      expect(await top()).toBeLessThan(400);
    }
  });

  test('a score can be had with the keyboard alone', async () => {
    await open();
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').innerText()).toBe('Skip to content');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').innerText()).toBe('Try an example');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Scores' }).waitFor();
    await page.getByLabel('Captions').focus();
    await page.keyboard.press('Control+A');
    await page.keyboard.type('a photo of a cat');
    await page.keyboard.press('Control+Enter');
    await page.locator('.scores > li:only-child').waitFor();
    expect(await page.locator('.scores').innerText()).toContain('a photo of a cat');
  });

  test('a CSV with failures is mapped, followed to its end, and its failures are grouped by cause', async () => {
    running.host.latencyMs = 300;
    await open('batches/new');
    await page.locator('input[type=file]').setInputFiles(csvOf(150));
    expect(await page.getByLabel('Image', { exact: true }).inputValue()).toBe('photo');
    expect(await page.getByLabel('Text', { exact: true }).inputValue()).toBe('caption');
    expect(await page.getByLabel('Id (optional)').inputValue()).toBe('sku');
    expect(await page.getByRole('region', { name: 'First rows' }).innerText()).toContain(
      'a cat looking at the camera; 0',
    );
    await untilTrue(page, `[...document.querySelectorAll('.preview img')].every((img) => img.naturalWidth > 0)`);
    await saveScreenshot(page, 'batch-new');
    // Columns that are chosen the wrong way round are exchanged by one click.
    await page.getByLabel('Image', { exact: true }).selectOption('caption');
    await page.getByLabel('Text', { exact: true }).selectOption('photo');
    await page.getByRole('button', { name: 'Swap the two columns' }).click();
    expect(await page.getByLabel('Image', { exact: true }).inputValue()).toBe('photo');
    await page.getByRole('button', { name: 'Start' }).click();

    const counts: number[] = [];
    for (let count = 0; count < 150; ) {
      count = await untilDone(count);
      counts.push(count);
    }
    expect(counts.length).toBeGreaterThan(2);
    await badge()
      .getByText(/^done, \d+ failed$/)
      .waitFor();
    const facts = page.getByRole('region', { name: 'Progress' });
    expect(await facts.innerText()).toMatch(/succeeded\s+102\s+failed\s+48\s/);
    await facts.getByText('Items per second while it ran').click();
    await page.getByRole('img', { name: /^Items per second over time: now \d/ }).waitFor();

    const failures = page.getByRole('region', { name: 'Failures' });
    await failures.getByText('The image host does not have the image or refuses to send it').click();
    await failures.getByText(`404 from ${running.host.authority.split(':')[0]}`).waitFor();
    const link = failures.locator(`a[href="${running.host.url('missing.jpg?3')}"]`);
    expect(await link.getAttribute('rel')).toContain('noreferrer');

    const highest = page.locator('.pairs').last().locator('li').first();
    expect(await highest.locator('img').getAttribute('referrerpolicy')).toBe('no-referrer');
    await untilTrue(page, `document.querySelector('.pairs img').naturalWidth > 0`);
    await saveScreenshot(page, 'batch');
  });

  test('a threshold is chosen by keyboard, and the exported files have what the API selects', async () => {
    const id = await startBatch(csvOf(60));
    await badge()
      .getByText(/^done, \d+ failed$/)
      .waitFor();
    const results = await running.client.batch.results(id);
    const selected = async (query: string) => {
      const path = `/v1/evaluation/batch/${id}/results?status=succeeded&${query}`;
      return indexesOf((await running.client.call<ResultsPage>(path)).body.results);
    };
    const slider = page.getByRole('slider', { name: 'Threshold' });
    const verdict = page.locator('.verdict');
    await slider.focus();
    for (let step = 0; step < 8; step++) await page.keyboard.press('Shift+ArrowRight');
    expect(await slider.inputValue()).toBe('48');
    const passing = await selected('minScore=48');
    await expect.poll(() => verdict.innerText()).toMatch(new RegExp(`^${passing.length} of `));
    expect(passing.length).toBeLessThan((await selected('minScore=40')).length);
    await page.keyboard.press('ArrowLeft');
    expect(await slider.inputValue()).toBe('47.9');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Control+A');
    // The middle score, so that some pairs are on either side.
    const scores = results.flatMap((result) => (result.status === 'succeeded' ? [result.score] : []));
    const line = Number(scores.sort((a, b) => a - b)[Math.floor(scores.length / 2)]?.toFixed(1));
    await page.keyboard.type('200');
    await page.keyboard.press('Enter');
    expect(await slider.inputValue()).toBe(await slider.getAttribute('max'));
    expect(await page.getByLabel('Keep from').inputValue()).toBe(await slider.getAttribute('max'));
    await page.keyboard.press('Control+A');
    await page.keyboard.type(String(line));
    expect(await slider.inputValue()).toBe(String(line));
    const passed = await selected(`minScore=${line}`);
    const atLine = page.getByRole('link', { name: `Show all ${passed.length}`, exact: true });
    await atLine.waitFor();

    // Without an answer, the pairs keep the heading of their threshold, and the error is shown.
    const heading = page.getByRole('heading', { name: /^Just below / });
    const before = await heading.innerText();
    await page.route('**/results?**', (route) => route.abort());
    await page.getByLabel('Keep from').fill('30');
    const again = page.getByRole('alert').getByRole('button', { name: 'Try again' });
    await again.waitFor();
    expect(await heading.innerText()).toBe(before);
    await page.unroute('**/results?**');
    watched.complaints = watched.complaints.filter((text) => !/ERR_FAILED .*\/results\?/.test(text));
    await again.click();
    await page.getByRole('heading', { name: 'Just below 30.0 (left out)' }).waitFor();
    // The same without any connection to the service. The page reconnects and reads the pairs again.
    const held = Promise.withResolvers<void>();
    await page.route('**/v1/evaluation/batch/**', async (route) => {
      await held.promise;
      await route.abort();
    });
    await page.getByLabel('Keep from').fill(String(line));
    await page.getByText(`Waiting for the pairs at ${line.toFixed(1)}.`).waitFor();
    expect(await page.locator('.strips').getAttribute('aria-busy')).toBe('true');
    held.resolve();
    await page.getByText('Connection lost.').waitFor();
    await page.unroute('**/v1/evaluation/batch/**');
    await page.getByText('Connection lost.').waitFor({ state: 'detached' });
    watched.complaints = watched.complaints.filter((text) => !/ERR_FAILED .*\/v1\/evaluation\/batch\//.test(text));
    await atLine.waitFor();

    const exportBox = page.getByRole('region', { name: 'Export' });
    await exportBox.getByLabel('What').focus();
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Tab');
    const files = await textDownloads(page, 2, () => page.keyboard.press('Enter'));
    expect(Object.keys(files)).toContain(`pairs-from-${line.toFixed(1)}.ndjson`);
    const lines = (files[`pairs-from-${line.toFixed(1)}.ndjson`] ?? '').trim().split('\n');
    const exported = lines.map((text) => JSON.parse(text) as ItemResult);
    expect(indexesOf(exported)).toEqual(await selected(`minScore=${line}`));
    expect(exported[0]?.image).toContain(running.host.authority);
    const sameSelection = ['--status', 'succeeded', '--min-score', String(line), '--format', 'ndjson'];
    const printed = await vls(['results', id, ...sameSelection], { env: { VLS_URL: running.service.url } });
    expect(printed.stdout).toBe(files[`pairs-from-${line.toFixed(1)}.ndjson`]);
    expect(JSON.parse(files[`pairs-from-${line.toFixed(1)}.ndjson.json`] ?? '')).toMatchObject({
      batch: id,
      threshold: line,
      rows: exported.length,
      selection: { status: 'succeeded', minScore: line },
      receipt: { model: 'compact-1', revision: '1' },
    });

    await exportBox.getByLabel('What').selectOption('failing');
    await exportBox.getByLabel('Format').selectOption('csv');
    const [header, ...rows] =
      Object.values(await exportAlone(page))[0]
        ?.trim()
        .split('\n') ?? [];
    expect(header).toContain('sku,photo,caption,price');
    const failing = rows.map((row) => Number(row.split(',', 1)[0]));
    expect(failing).toEqual(await selected(`maxScore=${(line - 0.0001).toFixed(4)}`));
    expect(failing.length + exported.length).toBe(results.filter(({ status }) => status === 'succeeded').length);
    await exportBox.getByLabel('What').selectOption('failed');
    expect(
      Object.values(await exportAlone(page))[0]
        ?.trim()
        .split('\n'),
    ).toHaveLength(1 + results.filter(({ status }) => status === 'failed').length);

    await page.reload();
    expect(await slider.inputValue()).toBe(String(line));
  });

  test('the export says that it leaves out image bytes, and only then', async () => {
    const base64 = readPhoto('coffee.jpg').toString('base64');
    const note = page.getByText('The file leaves out the bytes of images.');
    const open = async (image: string | { base64: string }) => {
      const { body } = await running.client.batch.post([{ image, text: 'a cup of coffee' }]);
      await running.client.batch.finished(body.id);
      const read = page.waitForResponse(/results\?status=succeeded&items=true&limit=20$/);
      await page.goto(`${running.service.url}/evaluator/#/batches/${body.id}`);
      await (await read).finished();
    };
    await open({ base64 });
    await note.waitFor();
    await open(running.host.url('coffee.jpg'));
    await note.waitFor({ state: 'detached' });
  });

  test('pairs are listed, filtered and opened by keyboard, and the URL has it all', async () => {
    const id = await startBatch(csvOf(60));
    await badge()
      .getByText(/^done, \d+ failed$/)
      .waitFor();
    await page.getByRole('link', { name: 'Show them' }).click();
    await untilTrue(page, `document.querySelectorAll('.pair-table .row-link').length > 0`);
    expect(await page.evaluate('scrollY')).toBe(0);
    await open(`batches/${id}/pairs?status=failed&code=text.empty`);
    await untilTrue(page, `document.querySelectorAll('.pair-table .row-link').length > 0`);
    const [boxHeight, tableHeight] = (await page.evaluate(
      `['.explorer-box', '.pair-table'].map((each) => document.querySelector(each).offsetHeight)`,
    )) as [number, number];
    expect(boxHeight - tableHeight).toBeLessThan(4);

    await open(`batches/${id}/pairs?status=succeeded`);
    const rows = page.locator('.pair-table .row-link');
    await rows.first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('CAT');
    await page.getByText(/^\d+ of 60 pairs$/).waitFor();
    const cats = (
      await running.client.call<ResultsPage>(`/v1/evaluation/batch/${id}/results?status=succeeded&q=cat&sort=index`)
    ).body.results;
    await untilTrue(page, `document.querySelectorAll('.pair-table .row-link').length === ${cats.length}`);
    const untilFocused = (selector: string) => page.locator(`${selector}:focus`).waitFor();
    await page.getByRole('radio', { name: 'Gallery' }).click();
    await untilFocused('.tile [data-row="0"]');
    await page.keyboard.press('ArrowRight');
    await untilFocused('.tile [data-row="1"]');
    await page.keyboard.press('ArrowLeft');
    await page.getByRole('radio', { name: 'Table' }).click();
    await untilFocused('.pair-table [data-row="0"]');
    await page.keyboard.press('/');
    await untilFocused('.filters input');
    await page.keyboard.press('ArrowDown');
    await untilFocused('.pair-table [data-row="0"]');
    await page.getByLabel('Order').focus();
    await page.keyboard.press('/');
    await untilFocused('.filters input');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('heading', { name: cats[1]?.id ?? '', exact: true }).waitFor();
    expect(await dialog.getByRole('region', { name: 'Receipt' }).innerText()).toContain('compact-1');
    await page.keyboard.press('ArrowRight');
    await dialog.getByRole('heading', { name: cats[2]?.id ?? '', exact: true }).waitFor();
    expect(page.url()).toContain(`pair=${cats[2]?.index}`);
    await page.reload();
    await dialog.getByRole('heading', { name: cats[2]?.id ?? '', exact: true }).waitFor();
    await dialog.getByText('Score it again', { exact: true }).click();
    await dialog.getByRole('button', { name: 'Score', exact: true }).click();
    await dialog.getByRole('heading', { name: 'Timings' }).waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page.getByLabel('Gallery').check();
    await untilTrue(page, `document.querySelectorAll('.tile').length === ${cats.length}`);
    const price = String(2 * (cats[0]?.index ?? 0));
    const tile = page.locator('.tile').first();
    expect(await tile.innerText()).toContain(`price\n${price}`);
    await page.setViewportSize({ width: 400, height: 800 });
    const cell = page.locator('td.col-own').first();
    await page.getByLabel('Table').check();
    await cell.scrollIntoViewIfNeeded();
    expect(await cell.innerText()).toBe(price);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(400);
    const menu = page.locator('.menu');
    await menu.locator('summary').click();
    await page.getByRole('checkbox', { name: 'price' }).uncheck();
    await cell.waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
    expect(await menu.getAttribute('open')).toBeNull();
    expect(await page.locator(':focus').innerText()).toBe('Columns');
    for (const leave of [() => page.locator('.explorer-bar p').click(), () => page.keyboard.press('Shift+Tab')]) {
      await menu.locator('summary').click();
      await page.getByRole('checkbox', { name: 'price' }).waitFor();
      await leave();
      expect(await menu.getAttribute('open')).toBeNull();
    }
  });

  test('the columns are those of all pairs, and the URL keeps names with commas', async () => {
    const image = running.host.url(photoNames[0] ?? '');
    const metadata = { 'size, cm': '12', brand: 'Acme' };
    const { body } = await running.client.batch.post([
      { image, text: 'a cat' },
      { image, text: 'a dog', metadata },
    ]);
    await running.client.batch.finished(body.id);
    await open(`batches/${body.id}/pairs`);
    const headers = page.locator('th.col-own');
    await headers.getByText('brand').waitFor();
    await page.locator('.menu summary').click();
    await page.getByRole('checkbox', { name: 'brand' }).uncheck();
    await headers.getByText('brand').waitFor({ state: 'detached' });
    await page.reload();
    await page.getByRole('cell', { name: '12', exact: true }).waitFor();
    expect(await headers.allInnerTexts()).toEqual(['size, cm']);
  });

  test('a long caption shows its first lines above the score, and all of it after a click', async () => {
    const text = 'a cat that looks at the camera, '.repeat(100);
    const image = running.host.url(photoNames[0] ?? '');
    const { body } = await running.client.batch.post([{ image, text }], { model: 'compact' });
    await running.client.batch.finished(body.id);
    await open(`batches/${body.id}/pairs?pair=0`);
    const heightOf = () => page.evaluate(`document.querySelector('.pair-caption').offsetHeight`) as Promise<number>;
    const more = page.getByRole('button', { name: 'Show all' });
    await more.waitFor();
    const cut = await heightOf();
    expect(cut).toBeLessThan(200);
    await more.click();
    await page.getByRole('button', { name: 'Show less' }).waitFor();
    expect(await heightOf()).toBeGreaterThan(2 * cut);
  });

  test('duplicates are grouped by keyboard, and the link of a group lists it', async () => {
    const id = await startBatch(csvOf(60));
    await badge()
      .getByText(/^done, \d+ failed$/)
      .waitFor();
    await open(`batches/${id}/pairs?status=succeeded&sort=-score`);
    await page.locator('.pair-table .row-link').first().waitFor();
    await page.getByLabel('Group by').focus();
    await page.keyboard.type('image');
    const path = `/v1/evaluation/batch/${id}/results?status=succeeded&sort=-score&distinct=image`;
    const { results, selected } = (await running.client.call<ResultsPage>(path)).body;
    await page.getByText(`${selected} groups`, { exact: true }).waitFor();
    expect(selected).toBe(6);
    const size = results[0]?.groupSize;
    expect(page.url()).toContain('distinct=image');
    await page.locator('.pair-table .row-link').first().focus();
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').innerText()).toBe(`group of ${size}`);
    await page.keyboard.press('Enter');
    await page.getByText(`${size} of 60 pairs`, { exact: true }).waitFor();
    await page.getByLabel('Gallery').check();
    await untilTrue(page, `document.querySelectorAll('.tile').length === ${size}`);
  });

  test('a sample is judged with two keys, and labels are kept and exported', async () => {
    const id = await startBatch(csvOf(60));
    await badge()
      .getByText(/^done, \d+ failed$/)
      .waitFor();
    await open(`batches/${id}/judge?threshold=47`);
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText(/^0 of \d+ judged$/).waitFor();
    expect(await page.locator(':focus').getAttribute('aria-label')).toBe('Pair to judge');
    await page.setViewportSize({ width: 1180, height: 700 });
    await untilTrue(page, `document.querySelector('.pair-image img')?.naturalWidth > 0`);
    const { isInside, bottom } = (await page.evaluate(`(() => {
      const of = (selector) => document.querySelector(selector).getBoundingClientRect();
      const [frame, image] = [of('.pair-image'), of('.pair-image img')];
      return { isInside: image.top >= frame.top && image.bottom <= frame.bottom, bottom: of('.judging .actions').bottom };
    })()`)) as { isInside: boolean; bottom: number };
    expect(isInside).toBe(true);
    expect(bottom).toBeLessThan(700);
    for (let pair = 0; pair < 11; pair++) await page.keyboard.press(pair % 3 === 2 ? '2' : '1');
    await page.keyboard.press('u');
    await page.getByText(/^10 of \d+ judged$/).waitFor();
    const verdict = page.getByRole('region', { name: 'At the threshold 47.0' });
    expect(await verdict.innerText()).toMatch(/Precision\s+\d+ % \(\d+ to \d+\) of the kept pairs are right/);
    await page.reload();
    await page.getByText(/^10 of \d+ judged$/).waitFor();
    const exported = await textDownloads(page, 1, () => page.getByRole('button', { name: 'Export labels' }).click());
    expect(Object.keys(exported)).toEqual(['pairs-labels.csv']);
    const [labels = ''] = Object.values(exported);
    const [, ...rows] = labels.trim().split('\n');
    expect(rows.filter((row) => row.endsWith(',1'))).toHaveLength(7);
    expect(rows.filter((row) => row.endsWith(',0'))).toHaveLength(3);
  });

  test('labels in a column of the file replace the sample until the user wants a sample', async () => {
    const lines = photoNames.map(
      (photo, at) => `${running.host.url(photo)},${captions[photo]},${at === 0 ? '' : at % 2}`,
    );
    const buffer = Buffer.from(`photo,caption,Label\n${lines.join('\n')}\n`);
    const id = await startBatch({ name: 'labelled.csv', mimeType: 'text/csv', buffer });
    await badge().getByText('done', { exact: true }).waitFor();
    await open(`batches/${id}/judge`);
    const useColumn = page.getByRole('button', { name: 'Use the column “Label”' });
    await useColumn.click();
    const column = page.getByRole('region', { name: 'The labels of the column “Label”' });
    await column.getByText('5 labels in 6 pairs.').waitFor();
    expect(await page.locator(':focus').getAttribute('aria-labelledby')).toBe('column');
    await page.reload();
    await column.getByText('5 labels in 6 pairs.').waitFor();
    await column.getByRole('button', { name: 'Judge a sample instead' }).click();
    await page.getByRole('button', { name: 'Start' }).click();
    const right = page.getByRole('button', { name: 'Right 1' });
    await right.waitFor();
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    await page.route(/\/judgement$/, (route) => answered.then(() => route.continue()));
    await right.click();
    await page.getByText(/^1 of \d+ judged, 1 not stored yet$/).waitFor();
    answer();
    await page.getByText(/^1 of \d+ judged$/).waitFor();
    await useColumn.click();
    await column.getByText('5 labels in 6 pairs.').waitFor();
    await column.getByRole('button', { name: 'Judge a sample instead' }).click();
    await page.getByText(/^1 of \d+ judged$/).waitFor();
  });

  test('a page reloaded during a batch continues where it was', async () => {
    running.host.latencyMs = 1_000;
    const id = await startBatch(csvOf(240));
    await untilDone(20);
    // Its plot has begun, and the place in the events is kept.
    await untilTrue(page, `JSON.parse(sessionStorage.getItem('followed:${id}'))?.samples.length > 2`);
    const resumed = page.waitForRequest(/\/events\?lastEventId=/);
    await page.reload();
    const before = (await page.evaluate(`JSON.parse(sessionStorage.getItem('followed:${id}')).samples`)) as unknown[];
    await resumed;
    expect(await untilDone(0)).toBeLessThan(240);
    await badge()
      .getByText(/^done, \d+ failed$/)
      .waitFor();
    expect(await done()).toBe(240);
    const after = (await page.evaluate(`JSON.parse(sessionStorage.getItem('followed:${id}')).samples`)) as unknown[];
    expect(after.slice(0, before.length - 1)).toEqual(before.slice(0, -1));
    expect(after.length).toBeGreaterThan(before.length);
  });

  test('a batch with swapped columns says so, and a file with a wrong separator names another one', async () => {
    const swapped = `image,text\na cat,${running.host.url('chelsea.jpg')}\n`;
    await startBatch({ name: 'swapped.csv', mimeType: 'text/csv', buffer: Buffer.from(swapped) });
    await page.getByText('The columns of the images and the texts seem to be swapped').waitFor();

    await open('batches/new');
    const semicolons = Buffer.from('image;text\n1.jpg;a cat\n');
    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'pairs.csv', mimeType: 'text/csv', buffer: semicolons });
    await page.getByLabel('Separated by', { exact: true }).selectOption('|');
    await page.getByText('The columns seem to be separated by semicolons').waitFor();
  });

  test('failed items are retried in a batch of their own, and a batch that runs is cancelled', async () => {
    running.host.failing = true;
    const rows = photoNames.map((name) => `${running.host.url(`later/${name}`)},${captions[name]}`).join('\n');
    const id = await startBatch({
      name: 'later.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from(`url,title\n${rows}\n`),
    });
    await badge().getByText('failed').waitFor();
    running.host.failing = false;
    await page.getByRole('button', { name: /^Retry 6 / }).click();
    await badge().getByText('done', { exact: true }).waitFor();
    expect(page.url()).not.toContain(id);
    await page.getByRole('link', { name: 'later.csv', exact: true }).click();
    await page.getByText('Retried in later.csv, 6 retried: 6 succeeded.').waitFor();
    expect(await page.getByRole('button', { name: /^Retry 6 / }).count()).toBe(0);
    await page.getByRole('link', { name: 'later.csv, 6 retried' }).click();
    await page.getByRole('link', { name: 'later.csv', exact: true }).waitFor();

    running.host.latencyMs = 2_000;
    const cancelled = await startBatch(csvOf(300));
    await page.getByRole('button', { name: 'Cancel' }).click();
    await badge().getByText('cancelled').waitFor();
    await page.getByRole('button', { name: /^Continue \d+ cancelled$/ }).click();
    await page.getByRole('heading', { name: /^pairs\.csv, \d+ continued$/ }).waitFor();
    await page.getByText('Continues pairs.csv.').waitFor();
    const continued = /batches\/([0-9a-f-]{36})/.exec(page.url())?.[1] ?? '';
    await page.getByRole('link', { name: 'pairs.csv', exact: true }).click();
    await page.getByText(/^Being continued in pairs\.csv, \d+ continued: /).waitFor();
    expect(await page.locator('.actions .primary').count()).toBe(0);
    await page.getByRole('link', { name: /^pairs\.csv, \d+ continued$/ }).click();
    await page.getByRole('heading', { name: /^pairs\.csv, \d+ continued$/ }).waitFor();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'Batches' }).waitFor();
    await page.locator(`a[href*="${cancelled}"]`).first().click();
    await page
      .locator('.actions .primary')
      .getByText(/^Continue \d+ cancelled$/)
      .waitFor();
    // The original still names its deleted continuation.
    watched.complaints = watched.complaints.filter((text) => !text.includes(continued));
    await page.getByRole('button', { name: 'Delete' }).click();
    expect(await page.locator(':focus').innerText()).toBe('Keep');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'Batches' }).waitFor();
    const row = page.locator('.batch-row').first();
    expect(await row.innerText()).toContain('later.csv, 6 retried');
    const origin = row.getByRole('link', { name: 'later.csv', exact: true });
    expect(await origin.getAttribute('href')).toContain(id);
    expect(await row.innerText()).toMatch(/\d+\.\d\s*mean/);
    await page.getByRole('searchbox', { name: 'Search' }).fill('LATER');
    await page.waitForURL(/q=LATER/);
    await untilTrue(page, `document.querySelectorAll('.batch-row').length === 2`);
    await saveScreenshot(page, 'batches');
  });

  test('a batch without results says so on each tab, and says why no worker evaluates it', async () => {
    const item = { image: running.host.url('held/chelsea.jpg'), text: 'a cat' };
    const { id } = (await running.client.batch.post([item], { model: 'compact' })).body;
    const status = `**/v1/evaluation/batch/${id}`;
    await page.route(status, async (route) => {
      const json = {
        ...(await (await route.fetch()).json()),
        waitingFor: 'its model cannot be loaded',
        tags: ['demo'],
      };
      await route.fulfill({ json });
    });
    await open(`batches/${id}`);
    await page.getByText('Workers cannot evaluate this batch now: its model cannot be loaded.').waitFor();
    await page.getByText('The scores appear here with the first results.').waitFor();
    await page.getByText('There are no results to export yet.').waitFor();
    expect(await page.getByRole('link', { name: 'demo' }).getAttribute('href')).toBe('#/batches?tag=demo');
    await page.unroute(status);
    await open(`batches/${id}/judge`);
    await page.getByText('No pair has a score yet.').waitFor();
    await open(`batches/${id}/compare`);
    await page.locator('.tabs [aria-current]', { hasText: 'Compare' }).waitFor();
    await page.getByText('No pair has a score yet.').waitFor();
    running.host.release();
    await page.getByRole('heading', { name: 'Compare' }).waitFor();
  });

  test('fields of NDJSON with other names are renamed on their way', async () => {
    const lines = photoNames.map((name, at) =>
      JSON.stringify({ image_url: running.host.url(name), alt: captions[name], nr: at, shop: 'north' }),
    );
    const id = await startBatch({
      name: 'pairs.jsonl',
      mimeType: 'application/x-ndjson',
      buffer: Buffer.from(`${lines.join('\n')}\nno json\n`),
    });
    await badge()
      .getByText(/^done, \d+ failed$/)
      .waitFor();
    const results = await running.client.batch.results(id);
    expect(results.filter(({ status }) => status === 'succeeded')).toHaveLength(6);
    expect(results.find(({ index }) => index === 1)).toMatchObject({ metadata: { nr: 1, shop: 'north' } });
  });

  test('a tar is shown with its images whatever its name says, scored on trial, and started with a name and tags', async () => {
    await open('batches/new');
    const tar = pack();
    for (const name of photoNames.slice(0, 3)) {
      tar.entry({ name }, readPhoto(name));
      tar.entry({ name: name.replace('.jpg', '.txt') }, captions[name] ?? '');
    }
    tar.finalize();
    const parts: Buffer[] = [];
    for await (const part of tar) parts.push(part as Buffer);
    const buffer = Buffer.concat(parts);
    await page.locator('input[type=file]').setInputFiles({ name: 'pairs.csv', mimeType: 'text/csv', buffer });
    await page.getByText('Tar of images (WebDataset): 3 pairs.').waitFor();
    await untilTrue(
      page,
      `[...document.querySelectorAll('.preview img')].filter((img) => img.naturalWidth > 0).length === 3`,
    );
    await page.getByRole('button', { name: 'Score these 3 rows' }).click();
    await untilTrue(page, `document.querySelectorAll('.trial strong').length === 3`);
    const scores = await page.locator('.trial strong').allInnerTexts();
    await page.getByLabel('Name', { exact: true }).fill('Photos 📷');
    await page.getByLabel('Tags').fill('demo, صور');
    await page.getByRole('button', { name: 'Start' }).click();
    await page.waitForURL(/#\/batches\/[0-9a-f-]{36}/);
    await badge().getByText('done', { exact: true }).waitFor();
    const id = /batches\/([0-9a-f-]{36})/.exec(page.url())?.[1] ?? '';
    expect((await running.client.batch.status(id)).body).toMatchObject({ name: 'Photos 📷', tags: ['demo', 'صور'] });
    const results = await running.client.batch.results(id);
    const scored = results.flatMap((result) => (result.status === 'succeeded' ? [result.score.toFixed(1)] : []));
    expect(scored.sort()).toEqual(scores.sort());
  });

  test('name and tags are edited by keyboard, a refusal says why, and Escape changes nothing', async () => {
    const id = await startBatch(csvOf(2));
    const button = page.getByRole('button', { name: 'Edit name and tags' });
    const isFocused = async () => (await page.evaluate('document.activeElement.textContent')) === 'Edit name and tags';
    await button.press('Enter');
    await page.keyboard.type('Another name');
    await page.keyboard.press('Escape');
    expect(await isFocused()).toBe(true);
    await page.keyboard.press('Enter');
    await page.keyboard.type('Photos of November');
    await page.keyboard.press('Tab');
    await page.keyboard.type(`demo, ${'x'.repeat(65)}`);
    await page.keyboard.press('Enter');
    await page
      .getByRole('form', { name: 'Name and tags' })
      .getByRole('alert')
      .getByText(/64 characters/)
      .waitFor();
    watched.complaints = watched.complaints.filter((text) => !/status of 400/.test(text));
    await page.getByLabel('Tags, separated by commas').fill('demo, صور');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Photos of November', exact: true }).waitFor();
    await page.getByRole('link', { name: 'صور' }).waitFor();
    expect(await isFocused()).toBe(true);
    expect((await running.client.batch.status(id)).body).toMatchObject({
      name: 'Photos of November',
      tags: ['demo', 'صور'],
    });
  });

  test.each(['csv', 'jsonl'])('broken rows of %s show the errors that the batch gives them', async (ending) => {
    const pairs = photoNames.map((name) => ({ image: running.host.url(name), text: captions[name] }));
    const [first, second, third] = pairs.map(({ image, text }) => `${image},${text}`);
    const csv = `image,text\n${first},more\n${second?.replace(',', ',"')}\n${third}\n`;
    const [whole, cut] = pairs.map((pair) => JSON.stringify(pair));
    const text = ending === 'csv' ? csv : `${whole}\n${cut?.slice(0, -1)}\n{"text": "a cat"}\n`;
    const buffer = Buffer.from(text);
    await open('batches/new');
    await page.locator('input[type=file]').setInputFiles({ name: `broken.${ending}`, mimeType: 'text/plain', buffer });
    await page.getByRole('button', { name: 'Score 1 of these 3 rows' }).click();
    await page.locator('.trial strong').waitFor();
    expect(await page.locator('.trial.failed').allInnerTexts()).toEqual(['item.invalid', 'item.invalid']);
    const shown = await page.locator('.row-fault').allInnerTexts();
    await page.getByRole('button', { name: 'Start' }).click();
    await page.waitForURL(/#\/batches\/[0-9a-f-]{36}/);
    await badge().getByText('done, 2 failed').waitFor();
    const id = /batches\/([0-9a-f-]{36})/.exec(page.url())?.[1] ?? '';
    const results = await running.client.batch.results(id);
    const errors = results.flatMap((result) => (result.status === 'failed' ? [result.error.message] : []));
    expect(shown).toEqual(errors.map((message) => `This row will fail: ${message}.`));
  });

  test('a file that is not a batch is refused before it is sent', async () => {
    await open('batches/new');
    await page.locator('input[type=file]').setInputFiles({
      name: 'list.json',
      mimeType: 'application/json',
      buffer: Buffer.from('[{"image": "x", "text": "y"}]'),
    });
    expect(await page.getByRole('alert').innerText()).toContain('on a line of its own');
    expect(await page.getByRole('button', { name: 'Start' }).count()).toBe(0);
    const image = { name: 'pairs.csv', mimeType: 'text/csv', buffer: readPhoto('coffee.jpg') };
    await page.locator('input[type=file]').setInputFiles(image);
    await page.getByRole('alert').getByText('pairs.csv. This is a JPEG image, not a list of pairs.').waitFor();
    expect(await page.getByRole('alert').getByRole('link', { name: 'Try it' }).getAttribute('href')).toBe('#/');
    const paths = { name: 'paths.csv', mimeType: 'text/csv', buffer: Buffer.from('image,text\nphotos/a.jpg,a cat\n') };
    await page.locator('input[type=file]').setInputFiles(paths);
    const notice = page.getByText('The service cannot read files of this computer.');
    await notice.waitFor();
    const command = page.getByRole('region', { name: 'Command that sends the files' });
    expect(await command.innerText()).toContain('vls batch path/to/paths.csv');
  });

  test('a trial shows below its row that the model reads only the start of a text', async () => {
    await open('batches/new');
    const row = `image,text\n${running.host.url('coffee.jpg')},${'a cup of coffee '.repeat(100)}\n`;
    const file = { name: 'pairs.csv', mimeType: 'text/csv', buffer: Buffer.from(row) };
    await page.locator('input[type=file]').setInputFiles(file);
    await page.getByRole('button', { name: 'Score this row' }).click();
    await page.getByText(/^Warning: text truncated: the model reads \d+ of at least \d+ tokens\.$/).waitFor();
  });

  test('a new batch without a connection has its heading, a way back and a second attempt', async () => {
    await page.route('**/assets/new-view*', (route) => route.abort());
    await open('batches/new');
    await page.getByRole('alert').getByText('The service does not answer').waitFor();
    expect(await page.locator('h1').innerText()).toBe('New batch');
    expect(await page.locator('.crumbs a').getAttribute('href')).toBe('#/batches');
    await page.unroute('**/assets/new-view*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('heading', { name: 'File format' }).waitFor();
    // The browser reports the failed request itself.
    watched.complaints = watched.complaints.filter((text) => !/ERR_FAILED/.test(text));
  });

  test('a model that is absent comes with the command that pulls it, and a pull that runs with its progress', async () => {
    await open('system/models');
    const card = page.getByRole('article', { name: /vit-b-32/ });
    expect(await card.innerText()).toMatch(/vls(\.js)? models pull vit-b-32/);
    await card.getByRole('button', { name: 'Copy' }).waitFor();

    await page.route('**/v1/models', async (route) => {
      const list = (await (await route.fetch()).json()) as { models: { model: string; pull: object | null }[] };
      for (const model of list.models) {
        if (model.model === 'vit-b-32') model.pull = { state: 'running', receivedBytes: 305e6, bytes: 610e6 };
      }
      await route.fulfill({ json: list });
    });
    await page.reload();
    await card.getByText('Pulling: 305.0 MB of 610.0 MB').waitFor();
    expect(await card.getByRole('progressbar').getAttribute('value')).toBe('305000000');
  });

  test('a signed-in user is shown and can sign out; other users are sent to the sign-in page', async () => {
    let signedOut = false;
    await page.route('**/evaluator/session', (route) => {
      signedOut ||= route.request().method() === 'DELETE';
      return route.fulfill({
        json: { authenticated: !signedOut, tenant: 'north', role: 'tenant', keysRequired: true },
      });
    });
    // The address of an earlier release leads to the same content.
    await open('health');
    await page.waitForURL(/#\/system$/);
    await page.getByRole('heading', { name: 'The service works' }).waitFor();
    expect(await page.getByRole('banner').innerText()).toContain('north');
    expect(await page.getByRole('link', { name: /Bull Board/ }).count()).toBe(0);
    const reloaded = page.waitForEvent('load');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await reloaded;
    expect(signedOut).toBe(true);

    await page.route('**/v1/models', (route) => route.fulfill({ status: 401, json: {} }));
    const sentOn = page.waitForEvent('load');
    const tabs = page.getByRole('navigation', { name: 'Parts of the system' });
    await tabs.getByRole('link', { name: 'Models' }).click();
    await sentOn;
    // Refused again, it says so and does not go round in circles.
    await page.getByRole('alert').waitFor();
    watched.complaints = watched.complaints.filter((text) => !/401|\/session/.test(text));
  });
});

const indexesOf = (results: ItemResult[]): number[] => results.map(({ index }) => index).sort((a, b) => a - b);

/** A file that is let go over the page. */
async function drop(page: Page, name: string): Promise<void> {
  const bytes = JSON.stringify(readPhoto(name).toString('base64'));
  const held = await page.evaluateHandle(`(() => {
    const bytes = Uint8Array.from(atob(${bytes}), (char) => char.charCodeAt(0));
    const held = new DataTransfer();
    held.items.add(new File([bytes], ${JSON.stringify(name)}, { type: 'image/jpeg' }));
    return held;
  })()`);
  await page.dispatchEvent('main', 'dragover', { dataTransfer: held });
  await page.dispatchEvent('main', 'drop', { dataTransfer: held });
}

/** Exports without the file that describes the export. */
async function exportAlone(page: Page): Promise<Record<string, string>> {
  await page.getByLabel('Also save a file').uncheck();
  return await textDownloads(page, 1, () => page.getByRole('button', { name: 'Download' }).click());
}
