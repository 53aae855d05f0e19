import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import axe, { type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findChromium } from '../../testing/chromium.ts';
import { captions, photoNames } from '../../testing/images/host.ts';
import { useBrowser } from '../support/browser.ts';
import { useService } from '../support/running-service.ts';
import { saveScreenshot } from '../support/screenshots.ts';
import { createSharedProfile } from '../support/shared-profile.ts';

const chromium = findChromium();
if (chromium === undefined)
  console.log('The tests of how the page looks are skipped: there is no Chromium on the PATH.');

describe.skipIf(chromium === undefined)('the looks of the page', () => {
  const profile = createSharedProfile('altered');
  const running = useService({ MODELS_FILE: profile.path });
  const browser = useBrowser();
  let batch: string;
  /** The batch of a profile that models share, with a long name. */
  let shared: string;

  beforeAll(async () => {
    const items = Array.from({ length: 48 }, (_, at) => ({
      id: `item-with-a-long-name-${at}`,
      image: running.host.url(`${at % 9 === 4 ? 'missing.jpg' : photoNames[at % 6]}?${'long'.repeat(20)}${at}`),
      text:
        at % 11 === 5 ? '' : `${captions[photoNames[at % 6] ?? '']} ${'and-no-space-to-break-at'.repeat(at % 3)} ${at}`,
    }));
    // The first request does not wait for Redis to report the phase of the canary.
    await running.client.call('/v1/traffic');
    const post = async (options: Record<string, string>) => {
      const { body } = await running.client.batch.post(items, options);
      await running.client.batch.finished(body.id);
      return body.id;
    };
    shared = await post({ model: 'shared', name: 'unbroken'.repeat(20) });
    batch = await post({ model: 'compact' });
  });
  afterAll(() => profile.remove());

  /** Every view, with what stands in it when it is complete. */
  const views: [name: string, show: (page: Page) => Promise<void>][] = [
    ['try', (page) => page.locator('#texts').waitFor()],
    [
      'scores',
      async (page) => {
        await page.getByRole('button', { name: 'Try an example' }).click();
        await page.locator('.scale-note summary').click();
      },
    ],
    [
      'batches',
      async (page) => {
        await go(page, 'batches');
        await page.locator('.batch-row').first().waitFor();
      },
    ],
    ['new batch', (page) => go(page, 'batches/new')],
    [
      'preview',
      async (page) => {
        await go(page, 'batches/new');
        const buffer = Buffer.from(
          `image,text,${'a-long-name-of-a-column'.repeat(3)}\n${running.host.url('coffee.jpg')},a cup,1\n`,
        );
        await page
          .locator('input[type=file]')
          .setInputFiles({ name: `${'long'.repeat(30)}.csv`, mimeType: 'text/csv', buffer });
        await page.getByRole('button', { name: 'Start' }).waitFor();
      },
    ],
    [
      'batch',
      async (page) => {
        await go(page, `batches/${batch}`);
        await page.locator('.failures summary').first().click();
        await page.locator('.examples').first().waitFor();
        await page.getByRole('button', { name: 'Show 39 of each' }).click();
      },
    ],
    ['name and tags', (page) => page.getByRole('button', { name: 'Edit name and tags' }).click()],
    [
      'pairs',
      async (page) => {
        await page.getByRole('button', { name: 'Cancel' }).click();
        await go(page, `batches/${batch}/pairs?status=succeeded`);
        await page.locator('.pair-table .row-link').first().waitFor();
      },
    ],
    [
      'pair',
      async (page) => {
        await page.locator('.pair-table .row-link').first().click();
        await page.getByRole('dialog').waitFor();
      },
    ],
    [
      'gallery',
      async (page) => {
        await go(page, `batches/${batch}/pairs?status=succeeded&view=gallery`);
        await page.locator('.tile').first().waitFor();
      },
    ],
    [
      'long name',
      async (page) => {
        await go(page, `batches/${shared}`);
        await page.getByRole('button', { name: 'Show the scores of wrong pairs' }).waitFor();
      },
    ],
    [
      'compare',
      async (page) => {
        await go(page, `batches/${shared}/compare?other=${batch}`);
        await page.getByText('Rank correlation').waitFor();
      },
    ],
    [
      'judge',
      async (page) => {
        // The sample of an earlier test is stored with the batch.
        await running.client.call(`/v1/evaluation/batch/${batch}/judgement`, { method: 'DELETE' });
        await go(page, `batches/${batch}/judge`);
        await page.getByRole('button', { name: 'Start' }).click();
        await page.getByText(/^0 of \d+ judged$/).waitFor();
        for (let pair = 0; pair < 12; pair++) await page.keyboard.press('1');
        await page.getByText('Wanted precision').waitFor();
      },
    ],
    [
      'models',
      async (page) => {
        await go(page, 'system/models');
        await page.locator('.model').nth(2).waitFor();
      },
    ],
    [
      'traffic',
      async (page) => {
        await go(page, 'system/traffic');
        await page.locator('.pairs').first().waitFor();
      },
    ],
    [
      'system',
      async (page) => {
        await go(page, 'system');
        await page.getByRole('heading', { name: 'Time in each stage' }).waitFor();
      },
    ],
    ['nothing here', (page) => go(page, 'elsewhere')],
  ];

  const go = async (page: Page, view: string) => void (await page.evaluate(`location.hash = '#/${view}'`));
  const open = async (options: Parameters<typeof browser.open>[0]) => {
    const watched = await browser.open(options);
    await watched.page.goto(`${running.service.url}/evaluator/`);
    return watched;
  };

  // The dark scheme changes colours only, so only the rules about colours run a second time.
  test.each([
    ['light', ''],
    ['dark', `{ runOnly: ['color-contrast', 'link-in-text-block'] }`],
  ] as const)('axe finds nothing serious on any view, %s', async (colorScheme, rules) => {
    const { page, context, complaints } = await open({ colorScheme });
    await page.evaluate(axe.source);
    for (const [name, show] of views) {
      await show(page);
      const { violations } = (await page.evaluate(`axe.run(${rules})`)) as AxeResults;
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect(
        serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`),
        name,
      ).toEqual([]);
    }
    await context.close();
    expect(complaints).toEqual([]);
  });

  test('no view is wider than a phone of 390 px', async () => {
    const { page, context, complaints } = await open({ viewport: { width: 390, height: 800 } });
    for (const [name, show] of views) {
      await show(page);
      expect(await page.evaluate('document.documentElement.scrollWidth'), name).toBe(390);
      const caption = `document.querySelector('.pair-table th:nth-child(2)')?.offsetWidth`;
      if (name === 'pairs') expect(await page.evaluate(caption)).toBeGreaterThan(150);
      if (name === 'batch') await saveScreenshot(page, 'phone', 'first-screen');
    }
    await context.close();
    expect(complaints).toEqual([]);
  });

  test('a table that is wider than a phone has a shadow at each end beyond which there is more', async () => {
    const { page, context, complaints } = await open({ viewport: { width: 390, height: 800 } });
    await go(page, 'system/traffic');
    const table = page.getByRole('region', { name: 'Models of shared' });
    await table.waitFor();
    // The cells cannot be seen, so that all pixels of an edge differ by the shadow alone.
    const hasShadows = async (left: number) => {
      await page.evaluate(`document.querySelector('.scroll').scrollLeft = ${left}`);
      const edges = await table.screenshot({ style: '.scroll > * { visibility: hidden }' });
      const { data, info } = await sharp(edges).greyscale().raw().toBuffer({ resolveWithObject: true });
      const middle = data[info.width >> 1] ?? 0;
      return [1, info.width - 2].map((at) => Math.abs((data[at] ?? 0) - middle) > 10);
    };
    expect(await hasShadows(0)).toEqual([false, true]);
    expect(await hasShadows(60)).toEqual([true, true]);
    expect(await hasShadows(10_000)).toEqual([true, false]);
    await context.close();
    expect(complaints).toEqual([]);
  });

  test('a cut name of two directions shows its first words', async () => {
    await running.client.call(`/v1/evaluation/batch/${shared}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: `قطط and then ${'a long English name '.repeat(9)}` }),
    });
    const { page, context, complaints } = await open({});
    await go(page, 'batches');
    await page.locator(`.batch-name[href*="${shared}"]`).waitFor();
    const [words, shown] = await page.evaluate<{ left: number; bottom: number }[]>(`(() => {
      const link = document.querySelector('.batch-name[href*="${shared}"]');
      const range = document.createRange();
      const at = link.textContent.indexOf('and then');
      range.setStart(link.firstChild, at);
      range.setEnd(link.firstChild, at + 'and then'.length);
      return [range, link].map((each) => each.getBoundingClientRect().toJSON());
    })()`);
    expect(words?.left).toBeGreaterThanOrEqual(shown?.left ?? Number.NaN);
    expect(words?.bottom).toBeLessThanOrEqual(shown?.bottom ?? Number.NaN);
    await context.close();
    expect(complaints).toEqual([]);
  });

  test('colours follow the system, until a person chooses others', async () => {
    const { page, context, complaints } = await open({ colorScheme: 'dark' });
    const lightness = async () => {
      const colour = String(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
      const [red = 0, green = 0, blue = 0] = (colour.match(/\d+/g) ?? []).map(Number);
      return (red + green + blue) / 3;
    };
    expect(await lightness()).toBeLessThan(50);
    await go(page, `batches/${batch}`);
    await page.locator('.pairs').first().waitFor();
    const button = page.getByRole('button', { name: /^Colours/ });
    await button.click();
    expect(await button.innerText()).toBe('Dark');
    await button.click();
    expect(await button.innerText()).toBe('Light');
    expect(await lightness()).toBeGreaterThan(200);
    await page.reload();
    await button.waitFor();
    expect(await lightness()).toBeGreaterThan(200);
    await context.close();
    expect(complaints).toEqual([]);
  });

  test('the script of every view has at most 75 KB, compressed; those of single views have at most 60 KB together', () => {
    const dist = fileURLToPath(new URL('../../web/dist/', import.meta.url));
    const [, first = ''] = /src="\.\/assets\/([\w.-]+\.js)"/.exec(readFileSync(`${dist}index.html`, 'utf8')) ?? [];
    const scripts = readdirSync(`${dist}assets`).filter((name) => name.endsWith('.js'));
    const bytes = (names: string[]) =>
      names.reduce((sum, name) => sum + gzipSync(readFileSync(`${dist}assets/${name}`)).length, 0);
    expect(scripts).toContain(first);
    const sources = fileURLToPath(new URL('../../web/batches/', import.meta.url));
    expect(readFileSync(`${dist}assets/${first}`, 'utf8').includes(sources)).toBe(false);
    expect(bytes([first])).toBeLessThanOrEqual(75_000);
    expect(bytes(scripts.filter((name) => name !== first))).toBeLessThanOrEqual(60_000);
  });

  test('assets may be kept for ever, the page that names them is asked for anew', async () => {
    const index = await running.client.call<string>('/');
    const [script = ''] = /assets\/[\w.-]+\.js/.exec(index.body) ?? [];
    expect(index.headers.get('cache-control')).toBe('public, max-age=0');
    const asset = await running.client.call<string>(`/${script}`);
    expect(asset.status).toBe(200);
    expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  });
});
