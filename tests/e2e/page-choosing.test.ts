import axe, { type AxeResults } from 'axe-core';
import { parquetReadObjects } from 'hyparquet';
import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Judgement } from '../../shared/contracts/batch/judgement.ts';
import type { ResultsPage } from '../../shared/contracts/batch/results.ts';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import type { BatchComparison } from '../../shared/contracts/comparison.ts';
import { findChromium } from '../../testing/chromium.ts';
import { captions, photoNames, readPhoto } from '../../testing/images/host.ts';
import { until } from '../../testing/until.ts';
import { untilTrue, useBrowser, type WatchedPage } from '../support/browser.ts';
import { downloads } from '../support/downloads.ts';
import { useService } from '../support/running-service.ts';
import { createAlteredProfile } from '../support/shared-profile.ts';

const chromium = findChromium();
if (chromium === undefined) console.log('The test of choosing pairs is skipped: there is no Chromium on the PATH.');

const items = 120;
const judged = 30;
/** The maximum number of Tab presses to a control. */
const mostTabs = 80;
/** In ms. The test presses some hundred keys one after another, in a browser that shares two processors with six tests. */
const patience = 600_000;

describe.skipIf(chromium === undefined)('the choice of pairs', () => {
  const profile = createAlteredProfile();
  const running = useService({ MODELS_FILE: profile.path });
  const browser = useBrowser();
  let watched: WatchedPage;
  let page: Page;

  beforeEach(async () => {
    watched = await browser.open({ acceptDownloads: true, reducedMotion: 'reduce' });
    page = watched.page;
  });
  afterEach(async () => {
    await watched.context.close();
    expect(watched.complaints).toEqual([]);
  });
  afterAll(() => profile.remove());

  /** Moves the focus with Tab, or backwards, until it is on a control. */
  async function tabTo(control: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
    await control.waitFor();
    for (let presses = 0; presses < mostTabs; presses++) {
      if ((await control.and(page.locator(':focus')).count()) > 0) return;
      await page.keyboard.press(key);
    }
    throw new Error(`${mostTabs} presses of ${key} do not lead to ${control}`);
  }
  async function activate(control: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
    await tabTo(control, key);
    await page.keyboard.press('Enter');
  }
  async function expectAccessible(view: string): Promise<void> {
    await page.evaluate(axe.source);
    const { violations } = (await page.evaluate('axe.run()')) as AxeResults;
    expect(
      violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`),
      view,
    ).toEqual([]);
  }

  /** Posts photos, every second one with the caption of another. */
  async function post(): Promise<string> {
    const rows = Array.from({ length: items }, (_, at) => {
      const caption = captions[photoNames[(at + (at % 2)) % 6] ?? ''];
      return { id: `S-${at}`, image: running.host.url(photoNames[at % 6] ?? ''), text: `${caption}; ${at}` };
    });
    const { body } = await running.client.batch.post(rows, { model: 'compact' });
    await running.client.batch.finished(body.id);
    return body.id;
  }

  test(
    'a threshold is chosen, 30 pairs are judged, what passes is exported, and two models are compared, all by keyboard',
    async () => {
      const id = await post();
      const api = `/v1/evaluation/batch/${id}`;
      await page.goto(`${running.service.url}/evaluator/#/batches/${id}`);

      // The threshold: by the slider, with the pairs at the line in view.
      const slider = page.getByRole('slider', { name: 'Threshold' });
      await tabTo(slider);
      const start = Number(await slider.inputValue());
      await page.keyboard.press('Shift+ArrowRight');
      await page.keyboard.press('ArrowRight');
      const line = Number((start + 1.1).toFixed(1));
      expect(await slider.inputValue()).toBe(String(line));
      const above = page.getByRole('heading', { name: `Just above ${line.toFixed(1)}` });
      await above.waitFor();
      await expectAccessible('scores');

      // A written share keeps the pairs of the API's share, and stays in its field.
      const best = page.getByLabel('Keep the best … %');
      await best.fill('33.3');
      const { top } = (await running.client.call<ResultsPage>(`${api}/results?top=33.3%25&limit=1`)).body;
      const lowest = top?.lastScore ?? 0;
      await page.getByRole('heading', { name: `Just above ${lowest}` }).waitFor();
      await page
        .getByRole('status')
        .getByText(new RegExp(`^${top?.items} of ${items} pairs`))
        .waitFor();
      await page.keyboard.press('Tab');
      expect(await best.inputValue()).toBe('33.3');
      await page.getByLabel('Keep from').fill(String(line));
      await above.waitFor();
      expect(await best.inputValue()).not.toBe('33.3');

      // The judgement, truly: a caption is right if it is that of the photo.
      await activate(page.getByRole('link', { name: 'Judge a sample' }), 'Shift+Tab');
      await activate(page.getByRole('button', { name: 'Start' }));
      const pair = page.getByRole('region', { name: 'Pair to judge' });
      const untilJudged = (count: number) => pair.getByText(new RegExp(`^${count} of \\d+ judged$`)).waitFor();
      await untilJudged(0);
      for (let at = 0; at < judged; at++) {
        const text = await pair.locator('.pair-caption').innerText();
        const photo = photoNames.find((name) => text.startsWith(`${captions[name]};`)) ?? '';
        const isRight = (await pair.locator('img').getAttribute('src'))?.endsWith(photo) === true;
        if (at === 20) {
          await page.keyboard.press(isRight ? '2' : '1');
          await untilJudged(at + 1);
          await page.keyboard.press('u');
          await untilJudged(at);
        }
        await page.keyboard.press(isRight ? '1' : '2');
        await untilJudged(at + 1);
      }
      const verdict = page.getByRole('region', { name: /^At / });
      expect(await verdict.innerText()).toMatch(/Precision\s+>?\d+ % \(\d+ to \d+\) of the kept pairs are right/);
      expect(await verdict.innerText()).toMatch(/Recall\s+>?\d+ % \(\d+ to \d+\) of the right pairs are kept/);
      const wanted = verdict.getByLabel('Wanted precision in %');
      await tabTo(wanted);
      await page.keyboard.press('Control+A');
      await page.keyboard.type('80');
      const use = verdict.getByRole('button', { name: /^Use / });
      await use.waitFor();
      await expectAccessible('judge');
      const suggested = Number((await use.innerText()).replace('Use ', ''));
      expect(suggested).not.toBe(line);
      await activate(use);
      await page.getByRole('heading', { name: `At the threshold ${suggested.toFixed(1)}` }).waitFor();
      // Labels are deleted only after a question, whose focus is on keeping them.
      await page.getByRole('button', { name: 'Delete labels and start again' }).click();
      await page.getByRole('dialog', { name: `Delete ${judged} labels?` }).waitFor();
      // A key does not judge the pair behind the dialog: the number of labels stays.
      await page.keyboard.press('2');
      await page.getByRole('dialog', { name: `Delete ${judged} labels?` }).waitFor();
      await page.keyboard.press('Enter');
      await untilJudged(judged);

      // The labels are stored with the batch, so another browser continues them with the same pair.
      await until(async () => {
        const { body } = await running.client.call<Judgement>(`${api}/judgement`);
        return body.pairs.filter(({ label }) => label !== undefined).length === judged;
      });
      const other = await browser.open();
      await other.page.goto(page.url());
      const continued = other.page.getByRole('region', { name: 'Pair to judge' });
      await continued.getByText(new RegExp(`^${judged} of \\d+ judged$`)).waitFor();
      const caption = (region: Locator) => region.locator('.pair-caption').innerText();
      expect(await caption(continued)).toBe(await caption(pair));
      await other.context.close();
      expect(other.complaints).toEqual([]);
      await activate(page.getByRole('link', { name: 'Back to the scores and their export' }), 'Shift+Tab');

      // The export: as CSV and as Parquet, the pairs that the API selects.
      expect(await slider.inputValue()).toBe(String(suggested));
      const path = `${api}/results?status=succeeded&minScore=${suggested}&sort=index&limit=1000`;
      const selected = (await running.client.call<ResultsPage>(path)).body.results;
      expect(selected.length).toBeGreaterThan(0);
      expect(selected.length).toBeLessThan(items);
      const exportBox = page.getByRole('region', { name: 'Export' });
      const download = exportBox.getByRole('button', { name: 'Download' });
      await tabTo(download);
      const csv = await downloads(page, 2, () => page.keyboard.press('Enter'));
      const [header = '', ...rows] = resultsIn(csv).toString().trim().split('\n');
      const at = header.split(',').indexOf('index');
      expect(rows.map((row) => Number(row.split(',')[at]))).toEqual(selected.map(({ index }) => index));

      await tabTo(exportBox.getByLabel('Format'), 'Shift+Tab');
      await page.keyboard.type('Parquet');
      await tabTo(download);
      const parquet = resultsIn(await downloads(page, 2, () => page.keyboard.press('Enter')));
      const file = new Uint8Array(parquet).buffer;
      const exported = await parquetReadObjects({ file });
      expect(exported.map(({ index, score }) => [Number(index), score])).toEqual(
        selected.map((result) => [result.index, 'score' in result ? result.score : undefined]),
      );

      // The comparison with another model.
      await activate(page.getByRole('link', { name: 'Compare' }), 'Shift+Tab');
      const model = page.getByLabel('Model', { exact: true });
      await model.locator('option', { hasText: /^altered$/ }).waitFor({ state: 'attached' });
      await tabTo(model);
      await page.keyboard.type('altered');
      await activate(page.getByRole('button', { name: `Score these ${items} items with this model` }));
      await page.waitForURL(/other=/);
      const otherId = /other=([^&]+)/.exec(page.url())?.[1] ?? '';
      expect((await running.client.call<BatchStatus>(`/v1/evaluation/batch/${otherId}`)).body.model).toBe('altered');
      await running.client.batch.finished(otherId);
      await page.getByText(`${items} of ${items} items`, { exact: true }).waitFor();
      const compared = (
        await running.client.call<BatchComparison>(`${api}/comparison?other=${otherId}&threshold=${suggested}`)
      ).body;
      await page.getByText(`Rank correlation ${compared.rankCorrelation?.toFixed(3)}`).waitFor();
      await page.getByRole('heading', { name: 'Largest disagreements' }).waitFor();
      await expectAccessible('compare');

      await activate(page.locator('table.sides td a').first());
      await page.getByText(new RegExp(`^${compared.sides?.both} of ${items} pairs$`)).waitFor();
      await expectAccessible('pairs');
    },
    patience,
  );

  test('pairs whose images were sent as bytes have their pictures in every view, without a switch for other hosts', async () => {
    // Three captions for each photo, so that the two models differ in some ranks.
    const rows = Array.from({ length: 18 }, (_, at) => {
      const name = photoNames[at % 6] ?? '';
      const image = { base64: readPhoto(name).toString('base64'), path: `photos/${name}` };
      return { image, text: captions[photoNames[(at + Math.floor(at / 6)) % 6] ?? ''] ?? '' };
    });
    const post = async (model: string, more: object[] = []) => {
      const { body } = await running.client.batch.post([...more, ...rows], { model });
      await running.client.batch.finished(body.id);
      return body.id;
    };
    const [id, other] = [await post('compact'), await post('altered')];
    const unreadable = {
      clientError: { code: 'image.file.not_found', message: 'gone' },
      image: 'gone.jpg',
      text: 'a cat',
    };
    const withFault = await post('compact', [unreadable]);

    /** Opens a view and waits until its pictures are shown. */
    const expectPictures = async (view: string, place: string, count: number, address = `batches/${id}/${view}`) => {
      await page.goto(`${running.service.url}/evaluator/#/${address}`);
      const pictures = `[...document.querySelectorAll('${place} img')]`;
      const areLoaded = `.every(({ complete, naturalWidth }) => complete && naturalWidth > 0)`;
      await page.locator(`${place} img`).first().waitFor();
      // Those outside of the view load later.
      await page.evaluate(`${pictures}.forEach((image) => (image.loading = 'eager'))`);
      await untilTrue(page, `${pictures}.length >= ${count} && ${pictures}${areLoaded}`);
      expect(await page.locator('main .none').count()).toBe(0);
      expect(await page.getByText(/Show images|web address/).count()).toBe(0);
      await expectAccessible(view);
    };
    await expectPictures('', '.strip', 2);
    await expectPictures('', '.pairs', 6);
    await expectPictures('pairs', '.pair-table', rows.length);
    await expectPictures('pairs?view=gallery', '.gallery', rows.length);
    await expectPictures('pairs?pair=2', 'dialog .pair-image', 1);
    expect(await page.locator('dialog .pair-image img').getAttribute('src')).toMatch(/images\/2$/);
    const dialog = page.getByRole('dialog');
    expect(await dialog.innerText()).toContain(`photos/${photoNames[2]}`);
    await dialog.getByText('Score it with another model', { exact: true }).click();
    await dialog.getByRole('button', { name: 'Score', exact: true }).click();
    await dialog.getByRole('heading', { name: 'Timings' }).waitFor();
    await expectPictures(`compare?other=${other}`, '.disagreements', 2);

    await page.goto(`${running.service.url}/evaluator/#/batches/${id}/judge`);
    await page.getByRole('button', { name: 'Start' }).click();
    await untilTrue(page, `document.querySelector('.pair-image img')?.naturalWidth > 0`);
    expect(await page.getByText(/web address/).count()).toBe(0);
    await expectAccessible('judge');

    // An item that could not be read has none, and only that one says so.
    await page.goto(`${running.service.url}/evaluator/#/batches/${withFault}/pairs`);
    await page.getByText('no image', { exact: true }).waitFor();
    expect(await page.locator('.pair-table .none').count()).toBe(1);
    expect(await page.getByText(/web address/).count()).toBe(0);
  });
});

/** Returns the file that is not the note with model and threshold. */
const resultsIn = (files: Record<string, Buffer>): Buffer =>
  Object.entries(files).find(([name]) => !name.endsWith('.json'))?.[1] ?? Buffer.alloc(0);
