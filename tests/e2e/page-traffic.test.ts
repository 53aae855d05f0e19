import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findChromium } from '../../testing/chromium.ts';
import { captions, photoNames } from '../../testing/images/host.ts';
import { untilTrue, useBrowser, type WatchedPage } from '../support/browser.ts';
import { useService } from '../support/running-service.ts';
import { saveScreenshot } from '../support/screenshots.ts';
import { createSharedProfile } from '../support/shared-profile.ts';

const chromium = findChromium();
if (chromium === undefined) console.log('The tests of the page are skipped: there is no Chromium on the PATH.');

describe.skipIf(chromium === undefined)('the view of the traffic', () => {
  const profile = createSharedProfile('altered', { window: { items: 20 } });
  const running = useService({ MODELS_FILE: profile.path });
  const browser = useBrowser();
  let watched: WatchedPage;
  let page: Page;
  let batch: string;

  beforeAll(async () => {
    // The first that asks for a profile does not wait for Redis to say whether its canary is on trial.
    expect((await running.client.call('/v1/traffic/shared')).status).toBe(200);
    const items = Array.from({ length: 120 }, (_, at) => {
      const photo = photoNames[at % 6] ?? '';
      return { image: running.host.url(`${photo}?${at}`), text: `${captions[photo]} ${at}` };
    });
    batch = (await running.client.batch.post(items, { model: 'shared' })).body.id;
    await running.client.batch.finished(batch);
  });
  afterAll(() => profile.remove());
  beforeEach(async () => {
    watched = await browser.open();
    page = watched.page;
  });
  afterEach(async () => {
    const { complaints } = watched;
    await watched.context.close();
    expect(complaints).toEqual([]);
  });

  const open = async (view: string) => {
    await page.goto(`${running.service.url}/evaluator/#/${view}`);
    await page.locator('h1').waitFor();
  };
  const shared = () => page.getByRole('region', { name: 'shared', exact: true });
  async function decide(action: string): Promise<void> {
    await shared().getByRole('button', { name: action }).click();
    await page.getByRole('dialog').getByRole('button', { name: action }).click();
  }

  test('names why a canary with other scores was rolled back, and shows the pairs that it scored most differently', async () => {
    await open('system/traffic');
    await shared().getByText('rolled back').waitFor();
    const why =
      /its scores differ from the scores of the main model by \d+\.\d\d points on average; at most 1 is allowed/;
    await page
      .getByRole('region', { name: 'Windows of the canary of shared' })
      .getByText('failed', { exact: true })
      .waitFor();
    const [above, ...repeated] = await shared().getByText(why).allInnerTexts();
    expect(above).toMatch(/^Since /);
    expect(repeated).toEqual([]);
    const worst = page.getByRole('region', { name: 'Pairs of shared with the largest differences, canary' });
    await worst.getByRole('listitem').first().waitFor();
    const rows = (await worst.locator('.pairs > li').allInnerTexts()).map((text) => text.split('\n'));
    expect(rows).toHaveLength(6);
    expect(rows[0]?.join()).toMatch(/[\d.]+ by compact-1, [\d.]+ by altered/);
    expect(photoNames.some((photo) => rows[0]?.some((line) => line.startsWith(captions[photo] ?? '?')))).toBe(true);
    const distances = rows.map((row) => Math.abs(Number(row.at(-1)?.replace('−', '-'))));
    expect(distances).toEqual([...distances].sort((a, b) => b - a));
    expect(distances[0]).toBeGreaterThan(1);
    await saveScreenshot(page, 'traffic');
  });

  test('loads no image from its host until the operator asks for it, at each visit', async () => {
    const loaded: string[] = [];
    page.on('request', (request) => {
      if (request.url().startsWith(running.host.url(''))) loaded.push(request.url());
    });
    for (const _visit of ['first', 'second']) {
      await open('system/traffic');
      const worst = page.getByRole('region', { name: 'Pairs of shared with the largest differences, canary' });
      await worst.getByRole('listitem').first().scrollIntoViewIfNeeded();
      expect(await worst.locator('img').count()).toBe(0);
      expect(loaded).toEqual([]);
      await shared().getByRole('button', { name: 'Show images from their hosts' }).first().click();
      await worst.locator('img').first().scrollIntoViewIfNeeded();
      await untilTrue(page, `document.querySelector('.pairs img').naturalWidth > 0`);
      expect(loaded).not.toEqual([]);
      await shared().getByRole('button', { name: 'Hide images' }).first().click();
      expect(await worst.locator('img').count()).toBe(0);
      loaded.length = 0;
      await page.goto('about:blank');
    }
  });

  test('asks before a canary is tried again, promoted or rolled back, and shows what came of it', async () => {
    await open('system/traffic');
    await shared().getByRole('button', { name: 'Restart trial' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await shared().getByText('rolled back').waitFor();
    await decide('Restart trial');
    await shared().getByText('on trial').waitFor();
    await shared().getByText('0 of 20 items').waitFor();
    await decide('Promote');
    await shared().getByText('promoted', { exact: true }).waitFor();
    const models = page.getByRole('region', { name: 'Models of shared' });
    expect(await models.getByRole('row', { name: /^compact-1 main/ }).innerText()).toMatch(/50\.0\s%\s+0\s%/);
    expect(await models.getByRole('row', { name: /^altered canary/ }).innerText()).toMatch(/50\.0\s%\s+100\s%/);
    await decide('Roll back');
    await shared().getByText('rolled back').waitFor();
    await shared().getByText('decided by an operator').waitFor();
  });

  test('a batch says which models share it', async () => {
    await open(`batches/${batch}`);
    await page.getByText('compact-1 (main, 50.0 %) and altered (canary, 50.0 %)').waitFor();
    await page
      .getByText('Several models share this batch, and scores of different models cannot be compared.')
      .waitFor();
    await open(`batches/${batch}/pairs`);
    const notes = page.locator('tbody .col-note');
    await notes.first().waitFor();
    expect(new Set(await notes.allInnerTexts())).toEqual(new Set(['compact-1', 'altered']));
  });

  test('a model of a shared profile is not listed as a model without profiles', async () => {
    await open('system/models');
    const factsOf = (name: string) => page.getByRole('article', { name }).locator('dl').first().innerText();
    expect(await factsOf('compact-1')).toMatch(/Profiles\s+.*shared/);
    expect(await factsOf('altered')).not.toContain('Profiles');
  });

  test('a tenant sees that it is for operators, without a link to it', async () => {
    await page.route('**/evaluator/session', (route) =>
      route.fulfill({ json: { authenticated: true, tenant: 'north', role: 'tenant', keysRequired: true } }),
    );
    await open('system/traffic');
    await page.getByText('Only operators may see this.').waitFor();
    expect(await page.getByRole('navigation').getByRole('link', { name: 'Traffic' }).count()).toBe(0);
  });

  test('says what to do where every profile has one model', async () => {
    await page.route('**/v1/traffic', (route) => route.fulfill({ json: { profiles: [] } }));
    await open('system/traffic');
    await page.getByText('Every profile has one model.').waitFor();
  });
});
