import axe, { type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BatchStatus } from '../../shared/contracts/batch.ts';
import type { BatchComparison } from '../../shared/contracts/comparison.ts';
import { captions, photoNames } from '../../testing/images/host.ts';
import { useBrowser, type WatchedPage } from '../support/browser.ts';
import { findChromium } from '../support/chromium.ts';
import { useService } from '../support/running-service.ts';
import { saveScreenshot } from '../support/screenshots.ts';
import { createSharedProfile } from '../support/shared-profile.ts';

const chromium = findChromium();
if (chromium === undefined) console.log('The tests of the comparison are skipped: there is no Chromium on the PATH.');

describe.skipIf(chromium === undefined)('the comparison of two batches', () => {
  const registry = createSharedProfile('altered');
  const running = useService({ MODELS_FILE: registry.path });
  const browser = useBrowser();
  let watched: WatchedPage;
  let page: Page;
  let id: string;

  beforeAll(async () => {
    const items = Array.from({ length: 60 }, (_, at) => {
      const photo = photoNames[at % 6] ?? '';
      const caption = captions[photoNames[(at * 7 + (at % 3)) % 6] ?? ''];
      return { id: `S-${at}`, image: running.host.url(`${photo}?${at % 12}`), text: `${caption}; ${at}` };
    });
    const { body } = await running.client.call<BatchStatus>('/v1/evaluation/batch', {
      method: 'POST',
      headers: { 'content-type': 'application/json', prefer: 'wait=60' },
      body: JSON.stringify({ items, model: 'compact-1', name: 'photos' }),
    });
    id = body.id;
    expect(body.state).toBe('completed');
    return () => registry.remove();
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

  test('a second model is chosen and compared by keyboard alone, and the page shows what the API counts', async () => {
    await open('scores');
    await page.getByRole('link', { name: 'Compare' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('Nothing to compare with yet.').waitFor();
    const model = page.getByLabel('Model');
    await model.locator('option[value=altered]').waitFor({ state: 'attached' });
    await page.getByLabel('With').focus();
    await page.keyboard.press('Tab');
    await page.keyboard.type('altered');
    expect(await model.inputValue()).toBe('altered');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL(/other=[0-9a-f-]{36}/);
    const other = /other=([0-9a-f-]{36})/.exec(page.url())?.[1];
    await page.getByText('60 of 60 items', { exact: true }).waitFor({ timeout: 60_000 });

    const threshold = page.getByLabel('Keep from, compact-1');
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
    expect(await page.locator('.chip').innerText()).toContain('in another batch from');
  });

  test('the comparison survives a reload, fits a phone, and a batch that does not exist is an error', async () => {
    await open('compare?threshold=45');
    await page.getByText('60 of 60 items', { exact: true }).waitFor({ timeout: 60_000 });
    await page.setViewportSize({ width: 400, height: 800 });
    await page.reload();
    await page.getByText('60 of 60 items', { exact: true }).waitFor();
    expect(await page.getByLabel('Keep from, compact-1').inputValue()).toBe('45');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(400);
    await open('compare?other=nowhere');
    await page.reload();
    await page.getByRole('alert').getByText('There is no batch nowhere').waitFor();
    // The browser reports each response that is not 2xx.
    watched.complaints = watched.complaints.filter((text) => !/nowhere/.test(text));
  });
});
