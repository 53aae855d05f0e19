import type { Page } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findChromium } from '../../testing/chromium.ts';
import { patienceMs, untilTrue, useBrowser, type WatchedPage } from '../support/browser.ts';
import { useService } from '../support/running-service.ts';

const chromium = findChromium();
if (chromium === undefined) console.log('The tests of the long list are skipped: there is no Chromium on the PATH.');

const total = 1_000_000;
const box = `document.querySelector('.explorer-box')`;

describe.skipIf(chromium === undefined)('the list of a million pairs', () => {
  const running = useService();
  const browser = useBrowser();
  let watched: WatchedPage;
  let page: Page;

  beforeEach(async () => {
    watched = await browser.open();
    page = watched.page;
    await stubLongBatch(page);
    await page.goto(`${running.service.url}/evaluator/#/batches/long/pairs`);
    await link(0).waitFor();
  });
  afterEach(async () => {
    await watched.context.close();
    expect(watched.complaints).toEqual([]);
  });

  const link = (row: number) => page.locator(`[data-row="${row}"]`);
  const untilFocused = async (row: number) => {
    await untilTrue(page, `document.activeElement.dataset.row === '${row}'`);
    expect(await isVisible(row)).toBe(true);
    const isInWindow = `document.activeElement.getBoundingClientRect().bottom <= innerHeight`;
    expect(await page.evaluate(isInWindow)).toBe(true);
  };
  /** The distance in px from the top of the box to that of a row's link. The page itself may scroll. */
  const topOf = async (row: number) =>
    Number(
      await page.evaluate(
        `document.querySelector('[data-row="${row}"]').getBoundingClientRect().top - ${box}.getBoundingClientRect().top`,
      ),
    );
  const isVisible = async (row: number) => {
    const top = await topOf(row);
    return top >= 36 && top < Number(await page.evaluate(`${box}.clientHeight`));
  };
  const middleRow = async () => Number(await page.locator('[data-row]').nth(10).getAttribute('data-row'));

  test('End and Home lead to the last and the first pair, arrow keys to the next', async () => {
    await link(0).focus();
    await page.keyboard.press('End');
    await untilFocused(total - 1);
    await page.keyboard.press('ArrowUp');
    await untilFocused(total - 2);
    await page.keyboard.press('Home');
    await untilFocused(0);
    await page.keyboard.press('ArrowDown');
    await untilFocused(1);
  });

  test('the middle of the scroll bar is the middle of the list', async () => {
    await page.evaluate(`${box}.scrollTop = ${box}.scrollHeight / 2`);
    await untilTrue(page, `Number(document.querySelector('[data-row]')?.dataset.row) > 400000`);
    const row = await middleRow();
    expect(row).toBeGreaterThan(499_000);
    expect(row).toBeLessThan(501_000);
  });

  test('each turn of the wheel moves the rows by its 120 px, at the start and in the middle, also on a slow page', async () => {
    // The page itself scrolls when the mouse goes to the list, so this comes first.
    await page.locator('.explorer-box').hover();
    await page.evaluate(`${box}.addEventListener('scroll', () => {
      for (const until = performance.now() + 250; performance.now() < until; );
    })`);
    for (const share of [0, 0.5]) {
      await page.evaluate(`${box}.scrollTop = ${box}.scrollHeight * ${share}`);
      await untilTrue(page, `document.querySelector('[data-row]')?.dataset.row >= ${total * share * 0.99}`);
      const row = await middleRow();
      const [scrolled, top] = [Number(await page.evaluate(`${box}.scrollTop`)), await topOf(row)];
      for (let turn = 0; turn < 3; turn++) await page.mouse.wheel(0, 120);
      await expect.poll(async () => Math.round(top - (await topOf(row))), { timeout: patienceMs }).toBe(360);
      // The scroll position is not corrected by an amount that nobody sees. A correction could collide with the next turn.
      expect(await page.evaluate(`${box}.scrollTop`)).toBe(scrolled + 360);
    }
  });

  test('a reload, the gallery and Back return to the first visible pair, and other pairs start at the first', async () => {
    const first = 700_000;
    const inUrl = (row: number | undefined) =>
      untilTrue(
        page,
        `new URLSearchParams(location.hash.split('?')[1]).get('row') === ${row === undefined ? null : `'${row}'`}`,
      );
    // The link of a tile is below its image.
    const untilFirst = async (row: number, height: 60 | 272 | 298 = 60) => {
      await link(row).waitFor();
      await expect.poll(() => topOf(row), { timeout: patienceMs }).toBeGreaterThanOrEqual(0);
      expect(await topOf(row)).toBeLessThan(36 + height);
    };
    await page.goto(`${running.service.url}/evaluator/#/batches/long/pairs?row=${first}`);
    await untilFirst(first);
    await page.mouse.move(600, 600);
    const entries = await page.evaluate('history.length');
    await page.evaluate(`${box}.scrollTop += 600`);
    await inUrl(first + 10);
    await page.reload();
    await untilFirst(first + 10);
    await page.getByLabel('Gallery').check();
    await untilFirst(first + 10, 298);
    await page.reload();
    await untilFirst(first + 10, 298);
    await page.locator('.tile dt').first().waitFor();
    await page.locator('.menu summary').click();
    await page.getByRole('checkbox', { name: 'price' }).uncheck();
    await page.locator('.tile dt').first().waitFor({ state: 'detached' });
    await untilFirst(first + 10, 272);
    await page.getByLabel('Table').check();
    await untilFirst(first + 10);
    expect(await page.evaluate('history.length')).toBe(entries);
    await page.evaluate(`location.hash = location.hash.replace('?', '?distinct=image&')`);
    await link(0).waitFor();
    await inUrl(undefined);
    await page.goBack();
    await untilFirst(first + 10);
    await page.getByLabel('Order').selectOption('score');
    await link(0).waitFor();
    await inUrl(undefined);
  });

  test('a reload of found pairs, which load from the start, returns to the first visible one', async () => {
    await page.goto(`${running.service.url}/evaluator/#/batches/long/pairs?q=text&row=997`);
    for (let turn = 0; turn < 2; turn++) {
      await page.reload();
      await link(997).waitFor();
      await expect.poll(() => topOf(997), { timeout: patienceMs }).toBeLessThan(96);
      expect(await isVisible(997)).toBe(true);
    }
  });

  test('the end of the scroll bar is the last pair', async () => {
    await page.evaluate(`${box}.scrollTop = ${box}.scrollHeight`);
    await link(total - 1).waitFor();
    expect(await isVisible(total - 1)).toBe(true);
  });
});

/** Answers the requests for a batch `long` in place of the service. */
async function stubLongBatch(page: Page): Promise<void> {
  await page.route(/\/v1\/evaluation\/batch\/long/, async (route) => {
    const url = new URL(route.request().url());
    if (!url.pathname.endsWith('/results')) return await route.fulfill({ json: longBatch });
    // The service lists found pairs from page to page, and skips among others.
    const isSearch = url.searchParams.has('q');
    const skip = Number(url.searchParams.get(isSearch ? 'cursor' : 'skip'));
    const limit = Number(url.searchParams.get('limit'));
    const results = Array.from({ length: Math.min(limit, total - skip) }, (_, at) => {
      const index = skip + at;
      const scored = { index, status: 'succeeded', score: index / 20_000, cosine: 0 };
      return { ...scored, text: `text ${index}`, image: null, metadata: { price: index } };
    });
    await route.fulfill({ json: { results, selected: total, next: isSearch ? String(skip + limit) : null } });
  });
}

/** Status and summary of the batch in one. */
const longBatch = {
  ...{ id: 'long', tenant: 'default', name: 'long', tags: [], state: 'completed', phase: 'finished' },
  ...{ model: 'compact-1', revision: '1', precision: 'fp32', preprocess: 'p', traffic: null, failures: {} },
  ...{ createdAt: '2026-11-22T19:50:42.117Z', startedAt: '2026-11-22T19:50:42.117Z' },
  ...{ finishedAt: '2026-11-22T19:50:45.428Z', expiresAt: null, reason: null, input: null, inputError: null },
  ...{ files: null, requests: null, retryOf: null, retriedBy: null, rescoreOf: null, texts: 'own', wrongPairs: null },
  ...{ imagesFrom: null, waitingFor: null },
  ...{ items: { total, succeeded: total, failed: 0, cancelled: 0, pending: 0 } },
  ...{ succeeded: 0, histogram: [], percentiles: [], lowest: [], highest: [], mean: null, formulaCells: 0 },
};
