import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BatchList } from '../../shared/contracts/batch/list.ts';
import { findChromium } from '../../testing/chromium.ts';
import { createClient } from '../../testing/client.ts';
import { captions, photoNames } from '../../testing/images/host.ts';
import { bearer, createKeyFile } from '../../testing/key-file.ts';
import { untilTrue, useBrowser, type WatchedPage } from '../support/browser.ts';
import { useService } from '../support/running-service.ts';

const chromium = findChromium();
if (chromium === undefined) console.log('The tests of the page are skipped: there is no Chromium on the PATH.');

const keys = createKeyFile();
const tenantKey = keys.add('ours');
const otherKey = keys.add('theirs');
const operatorKey = keys.add('staff', { role: 'operator' });

describe.skipIf(chromium === undefined)('the page of a service with keys', () => {
  const running = useService({ API_KEYS_FILE: keys.path });
  const browser = useBrowser();
  let watched: WatchedPage;
  let page: Page;

  beforeEach(async () => {
    watched = await browser.open();
    page = watched.page;
    page.setDefaultTimeout(15_000);
  });
  afterEach(async () => {
    // A browser reports the refusals that these tests are about; nothing else may go wrong.
    const complaints = watched.complaints.filter((complaint) => !/status of 40[134] /.test(complaint));
    await watched.context.close();
    expect(complaints).toEqual([]);
  });

  const open = (path = '') => page.goto(`${running.service.url}/evaluator/${path}`);
  const signedInAs = (who: string) => page.getByText(`Signed in as ${who}`, { exact: true }).waitFor();
  const signInForm = () => page.getByLabel('API key');
  async function signIn(key: string): Promise<void> {
    await signInForm().fill(key);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  test('a tenant signs in, posts a batch, watches it live and signs out; another tenant does not find it', async () => {
    expect((await open('#/batches/new'))?.status()).toBe(401);
    await page.evaluate(axe.source);
    const { violations } = (await page.evaluate('axe.run()')) as { violations: { id: string }[] };
    expect(violations.map(({ id }) => id)).toEqual([]);
    await signIn(tenantKey);
    await signedInAs('ours');

    running.host.latencyMs = 300;
    await page.goto(`${running.service.url}/evaluator/#/batches/new`);
    const rows = Array.from({ length: 120 }, (_, at) => {
      const photo = photoNames[at % 6] ?? '';
      return `${running.host.url(`${photo}?${at}`)},${captions[photo]}`;
    });
    const buffer = Buffer.from(`image,text\n${rows.join('\n')}\n`);
    await page.locator('input[type=file]').setInputFiles({ name: 'pairs.csv', mimeType: 'text/csv', buffer });
    const followed = page.waitForResponse(/\/events(\?|$)/);
    await page.getByRole('button', { name: 'Start' }).click();
    await page.waitForURL(/#\/batches\/[0-9a-f-]{36}/);
    expect((await followed).headers()['content-type']).toContain('text/event-stream');
    const seen: number[] = [];
    for (let count = 0; count < 120; seen.push(count)) {
      const bar = `Number(document.querySelector('[role=progressbar]')?.getAttribute('aria-valuenow'))`;
      await untilTrue(page, `${bar} > ${count}`);
      count = Number(await page.evaluate(bar));
    }
    expect(seen.length).toBeGreaterThan(2);
    await page.locator('main').getByRole('status').getByText('done', { exact: true }).waitFor();
    const batch = page.url();
    // Images of the tenant's own.
    await page.locator('.pairs img').first().waitFor();

    await page.getByRole('button', { name: 'Sign out' }).click();
    await signInForm().waitFor();
    expect(await watched.context.cookies()).toEqual([]);
    await signIn(otherKey);
    await signedInAs('theirs');
    await page.goto(batch);
    await page.reload();
    await page.locator('main').getByText('The batch does not exist').waitFor();

    // An operator finds it, and its image hosts do not learn who looks.
    await page.getByRole('button', { name: 'Sign out' }).click();
    await signIn(operatorKey);
    await signedInAs('staff (operator)');
    await page.goto(batch);
    await page.reload();
    const showImages = page.getByRole('button', { name: 'Show images from their hosts' });
    await page.locator('.strip').first().waitFor();
    await showImages.last().waitFor();
    expect(await page.locator('.pairs > li').count()).toBeGreaterThan(0);
    expect(await page.locator('.pairs img, .strip img').count()).toBe(0);
    await showImages.last().click();
    await page.locator('.pairs img').first().waitFor();

    const listed = async (key: string) =>
      (await createClient(running.service.url, bearer(key)).call<BatchList>('/v1/evaluation/batch')).body.batches;
    expect(await listed(tenantKey)).toMatchObject([{ tenant: 'ours', items: { total: 120, succeeded: 120 } }]);
    expect(await listed(otherKey)).toEqual([]);
  });

  test('Bull Board is refused to a tenant, who may sign in as an operator there', async () => {
    await open();
    await signIn(tenantKey);
    await signedInAs('ours');
    await page.goto(`${running.service.url}/evaluator/#/system`);
    await page.getByRole('heading', { name: 'More' }).waitFor();
    // The counts of queues are those of all tenants.
    expect(await page.getByRole('heading', { name: 'Queues' }).count()).toBe(0);
    expect(await page.getByRole('link', { name: 'Queues, in Bull Board' }).count()).toBe(0);
    expect((await open('queues/'))?.status()).toBe(403);
    await page.getByRole('alert').getByText('Only operators may do this').waitFor();
    await signIn(operatorKey);
    await page.waitForURL('**/evaluator/queues/');
    await page.getByText('evaluate-compact').first().waitFor();
    await open('#/system');
    await page.getByRole('heading', { name: 'Queues' }).waitFor();
    await page.getByRole('link', { name: 'Queues, in Bull Board' }).waitFor();
    await signedInAs('staff (operator)');
  });

  test('a browser whose key is taken away is asked for another', async () => {
    const lost = keys.add('leaving');
    await open();
    await signIn(lost);
    await signedInAs('leaving');
    keys.remove(lost);
    await expect.poll(async () => (await open())?.status()).toBe(401);
    await signInForm().waitFor();
  });
});
