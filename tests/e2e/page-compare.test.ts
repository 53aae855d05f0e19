import axe, { type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ResultsPage } from '../../shared/contracts/batch/results.ts';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import type { BatchComparison } from '../../shared/contracts/comparison.ts';
import { findChromium } from '../../testing/chromium.ts';
import { captions, photoNames } from '../../testing/images/host.ts';
import { useBrowser, type WatchedPage } from '../support/browser.ts';
import { useService } from '../support/running-service.ts';
import { saveScreenshot } from '../support/screenshots.ts';

const chromium = findChromium();
if (chromium === undefined) console.log('The tests of the comparison are skipped: there is no Chromium on the PATH.');

describe.skipIf(chromium === undefined)('the comparison of two batches', () => {
  const running = useService();
  const browser = useBrowser();
  let watched: WatchedPage;
  let page: Page;
  let id: string;
  let other: string;

  /**
   * Posts 60 photos with captions that depend on `shift`, and waits for the end of the batch. `lost` texts are empty.
   * @param series the beginning of each id.
   */
  async function post(name: string, shift: number, lost = 0, series = 'S'): Promise<string> {
    const items = Array.from({ length: 60 }, (_, at) => {
      const caption = captions[photoNames[(at * 7 + (at % 3) * shift) % 6] ?? ''];
      return {
        id: `${series}-${at}`,
        image: running.host.url(photoNames[at % 6] ?? ''),
        text: at < lost ? '' : `${caption}; ${at}`,
      };
    });
    const { body } = await running.client.call<BatchStatus>('/v1/evaluation/batch', {
      method: 'POST',
      headers: { 'content-type': 'application/json', prefer: 'wait=60' },
      body: JSON.stringify({ items, name }),
    });
    expect(body.items.failed).toBe(lost);
    return body.id;
  }

  beforeAll(async () => {
    id = await post('photos', 1);
    other = await post('photos, other captions', 2);
  });
  beforeEach(async () => {
    watched = await browser.open({ reducedMotion: 'reduce' });
    page = watched.page;
  });
  afterEach(async () => {
    const { complaints } = watched;
    await watched.context.close();
    expect(complaints).toEqual([]);
  });

  const open = async (view: string) => {
    await page.goto(`${running.service.url}/evaluator/#/batches/${id}/${view}`);
    await page.locator('h1').waitFor();
  };

  test('two batches are compared by keyboard alone, and the page shows what the API counts', async () => {
    await open('scores');
    await page.getByRole('link', { name: 'Compare' }).focus();
    await page.keyboard.press('Enter');
    const choice = page.getByRole('combobox', { name: /^With\b/ });
    await choice.locator(`option[value="${other}"]`).waitFor({ state: 'attached' });
    await choice.focus();
    await page.keyboard.type('photos, other');
    await page.getByText('60 of 60 items', { exact: true }).waitFor();
    // In dark mode, the colour of a bin is lighter with more pairs.
    await page.getByText('Stronger colour: more pairs.').waitFor();

    const threshold = page.getByLabel('Keep from, photos', { exact: true });
    await threshold.focus();
    await page.keyboard.press('Control+A');
    await page.keyboard.type('45');
    const compared = (
      await running.client.call<BatchComparison>(`/v1/evaluation/batch/${id}/comparison?other=${other}&threshold=45`)
    ).body;
    expect(compared.rankCorrelation).toBeLessThan(1);
    await page.getByText(`Rank correlation ${compared.rankCorrelation?.toFixed(3)}`).waitFor();
    const { both = -1, onlyThis = -1, onlyOther = -1, neither = -1 } = compared.sides ?? {};
    await expect
      .poll(async () => (await page.locator('table.sides td a').allInnerTexts()).map(Number))
      .toEqual([both, onlyThis, onlyOther, neither]);
    const disagreement = page.getByRole('region', { name: 'Largest disagreements' }).locator('li').first();
    expect(await disagreement.innerText()).toContain(compared.disagreements.higherHere[0]?.text);
    await saveScreenshot(page, 'compare');
    await page.evaluate(axe.source);
    const { violations } = (await page.evaluate('axe.run()')) as AxeResults;
    expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([]);

    await page.locator('table.sides td a').first().focus();
    await page.keyboard.press('Enter');
    await page.getByText(new RegExp(`^${both} of 60 pairs$`)).waitFor();
    expect(page.url()).toContain(`other=${other}`);
    expect(await page.locator('.chip').innerText()).toContain('in photos, other captions from');
  });

  test('a pair that only one batch keeps is shown with both scores and both texts', async () => {
    const { body } = await running.client.call<ResultsPage>(
      `/v1/evaluation/batch/${id}/results?minScore=5&other=${other}&otherMaxScore=4.9999&sort=-score&items=true`,
    );
    const [changed] = body.results;
    expect(changed?.otherText).not.toBe(changed?.text);
    await open(`compare?other=${other}&threshold=5`);
    const cards = page.getByRole('region', { name: 'change sides' }).locator('li');
    const card = cards.filter({ hasText: changed?.text ?? '' }).first();
    const words = await card.innerText();
    expect(words).toContain(changed?.otherText);
    expect(words).toContain(changed?.otherScore?.toFixed(1));
  });

  test('items that only one batch scored are counted, and their list shows them', async () => {
    const failing = await post('photos, two lost', 1, 2);
    await open(`compare?other=${failing}&threshold=0`);
    await page
      .getByText(/of the 58 items that both batches scored, .photos. keeps 58, .photos, two lost. 58\./)
      .waitFor();
    await page.getByText('2 items have a score only in photos; 2 of them reach 0.0.').waitFor();
    await page.getByRole('link', { name: '2 items' }).click();
    await page.getByText(/^2 of 60 pairs$/).waitFor();
    expect(await page.locator('.chip').innerText()).toContain('in photos, two lost without a score');
  });

  test('a batch of other items is compared only by choice, with a notice above the figures', async () => {
    const unrelated = await post('other photos', 1, 0, 'U');
    await page.goto(`${running.service.url}/evaluator/#/batches/${unrelated}/compare`);
    const choice = page.getByRole('combobox', { name: /^With\b/ });
    await page.getByText('none is known to have the same items').waitFor();
    expect(await choice.inputValue()).toBe('');
    await choice.selectOption(id);
    await page.getByText('60 of 60 items', { exact: true }).waitFor();
    await page.getByText('50 of the first 50 items have another id in the other batch.').waitFor();
  });

  test('the scores of wrong pairs are measured and drawn behind those of the batch', async () => {
    await open('scores');
    await page.getByRole('button', { name: 'Show the scores of wrong pairs' }).click();
    await page.getByText(/Wrong pairs: [\d.]+\s% of 60 scored reach 40\.0/).waitFor();
    await page.locator('.chart .behind').waitFor({ state: 'attached' });
    const { wrongPairs } = (await running.client.call<BatchStatus>(`/v1/evaluation/batch/${id}`)).body;
    await page.getByRole('link', { name: 'Open them' }).click();
    await page.getByText('with the texts of other rows.').waitFor();
    expect(page.url()).toContain(wrongPairs);
  });

  test('the comparison survives a reload and fits a phone, a batch with the same scores is recognised, and an unknown batch is an error', async () => {
    await open(`compare?threshold=45&other=${other}`);
    await page.getByText('60 of 60 items', { exact: true }).waitFor();
    await page.setViewportSize({ width: 390, height: 800 });
    await page.reload();
    await page.getByText('60 of 60 items', { exact: true }).waitFor();
    expect(await page.getByLabel('Keep from, photos', { exact: true }).inputValue()).toBe('45');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    await page.getByText('No other model is available.').waitFor();
    const rescored = await running.client.call<BatchStatus>(`/v1/evaluation/batch/${id}/rescore?name=again`, {
      method: 'POST',
      headers: { prefer: 'wait=60' },
    });
    await open(`compare?other=${rescored.body.id}`);
    await page.getByText('all scores are equal').waitFor();
    await page.getByText('One model scored both batches, so they have the same threshold').waitFor();
    await page.getByRole('link', { name: 'Open the other batch' }).click();
    await page.getByText('The items of', { exact: false }).waitFor();
    await open('compare?other=nowhere');
    await page.reload();
    await page.getByRole('alert').getByText('There is no batch nowhere').waitFor();
    // The browser reports each response that is not 2xx.
    watched.complaints = watched.complaints.filter((text) => !/nowhere/.test(text));
  });

  test('lists that have not arrived are shown as loading, and failed ones can be read again', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route(/evaluation\/batch\?/, async (route) => {
      await held;
      await route.continue();
    });
    await open('compare');
    const choice = page.getByRole('combobox', { name: /^With\b/ });
    await expect.poll(() => choice.innerText()).toBe('Loading…');
    await page.getByText('Waiting for the list of batches.').waitFor();
    release();
    await page.getByText('60 of 60 items', { exact: true }).waitFor();

    let answer = () => {};
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await page.route(/\/comparison\?.*threshold=47/, async (route) => {
      await asked;
      await route.continue();
    });
    await page.getByLabel('Keep from, photos', { exact: true }).fill('47');
    await page.getByText(/Waiting for the figures from 47\.0: \d+ s without an answer from the service\./).waitFor();
    const sides = page.getByRole('region', { name: 'change sides' });
    expect(await sides.getAttribute('aria-busy')).toBe('true');
    expect(await page.evaluate(`getComputedStyle(document.querySelector('table.sides')).filter`)).toBe('grayscale(1)');
    answer();
    await page.getByText('keeps it, from 47.0').first().waitFor();
    expect(await sides.getAttribute('aria-busy')).toBe('false');
    expect(await page.getByText('Waiting for the figures').count()).toBe(0);

    const isFirst = new Set<string>();
    await page.route(/\/results\?.*minScore/, async (route) => {
      const { hash } = new URL(page.url());
      if (isFirst.has(hash)) return await route.continue();
      isFirst.add(hash);
      await route.abort();
    });
    await open('scores?threshold=90');
    const line = page.getByRole('region', { name: 'At the line' });
    await line.getByRole('button', { name: 'Try again' }).click();
    await line.getByText('Just below 90.0').waitFor();
    await page.getByText('0 of 60 pairs (0 %) reach 90.0').waitFor();
    expect(await page.getByRole('slider', { name: 'Threshold' }).getAttribute('max')).toBe('90');
    await open('pairs?status=succeeded&pair=0');
    const nearest = page.getByRole('dialog').getByRole('region', { name: 'Pairs with the nearest scores' });
    await nearest.getByRole('button', { name: 'Try again' }).click();
    await nearest.locator('.tile').first().waitFor();
    // The browser reports each request without an answer.
    watched.complaints = watched.complaints.filter((text) => !/minScore/.test(text));
  });
});
