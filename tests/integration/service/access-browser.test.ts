import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClient } from '../../../testing/client.ts';
import { readPhoto } from '../../../testing/images/host.ts';
import { bearer, createKeyFile } from '../../../testing/key-file.ts';
import { patienceMs } from '../../support/browser.ts';
import { useService } from '../../support/running-service.ts';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const keys = createKeyFile();
const tenantKey = keys.add('ours');
const operatorKey = keys.add('staff', { role: 'operator' });
const running = useService({ API_KEYS_FILE: keys.path });

/** Properties that only a browser shows: the headers that it adds, and the effect of the content security policy. */
describe.skipIf(executablePath === undefined)('in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ ...(executablePath && { executablePath }), args: ['--no-sandbox'] });
  });
  afterAll(() => browser.close());

  /** A fresh browser, and what it complains about. */
  async function open(): Promise<{ page: Page; complaints: string[] }> {
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(patienceMs);
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      // The answer 401 to the page itself is told there, too.
      if (message.type() === 'error' && !message.text().includes('401')) complaints.push(message.text());
    });
    return { page, complaints };
  }
  async function signIn(page: Page, path: string, key: string): Promise<void> {
    await page.goto(`${running.service.url}/evaluator${path}`);
    await page.getByLabel('API key').fill(key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(`**/evaluator${path}`);
  }

  test('one signs in with a key and is led to the docs, which run under the content security policy', async () => {
    const { page, complaints } = await open();
    await signIn(page, '/docs/', tenantKey);
    await page.getByText('Score one image against one or more texts').waitFor();
    expect(complaints).toEqual([]);
  });

  test('a wrong key shows the form again', async () => {
    const { page } = await open();
    await page.goto(`${running.service.url}/evaluator/`);
    await page.getByLabel('API key').fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').filter({ hasText: 'This API key is not valid' }).waitFor();
    expect(await page.getByLabel('API key').inputValue()).toBe('');
  });

  test('Bull Board shows the queues to an operator', async () => {
    const { page, complaints } = await open();
    await signIn(page, '/queues/', operatorKey);
    await page.getByText('evaluate-compact').first().waitFor();
    expect(complaints).toEqual([]);
  });

  test('a page scores and follows a batch with the cookie alone, through EventSource too', async () => {
    const { page } = await open();
    await signIn(page, '/docs/', tenantKey);
    const image = readPhoto('coffee.jpg').toString('base64');
    const followed = await page.evaluate(
      async (item) => {
        const init = { method: 'POST', headers: { 'content-type': 'application/json' } };
        const scored = await fetch('/evaluator/v1/evaluation/single', { ...init, body: JSON.stringify(item) });
        const posted = await fetch('/evaluator/v1/evaluation/batch', {
          ...init,
          body: JSON.stringify({ items: [item] }),
        });
        const { links } = (await posted.json()) as { links: { events: string } };
        // The page's own, unknown to this program.
        const { EventSource: Source } = globalThis as unknown as { EventSource: new (url: string) => EventTarget };
        const events = new Source(links.events);
        await new Promise((resolve) => events.addEventListener('end', resolve, { once: true }));
        return { scored: scored.status, posted: posted.status };
      },
      { image, text: 'a cup of coffee' },
    );
    expect(followed).toEqual({ scored: 200, posted: 202 });
  });

  test('the page of another port cannot post, although the browser sends the cookie along', async () => {
    const { page } = await open();
    await signIn(page, '/docs/', tenantKey);
    // Any document of that origin will do.
    await page.goto(running.host.url('coffee.jpg'));
    await page.evaluate(async (target) => {
      // A request that a browser sends to another origin without a preflight, with the cookie: another port is the same
      // site.
      const body = new FormData();
      body.append('file', new Blob(['image,text\nx,y\n']), 'pairs.csv');
      const sent = fetch(target, { method: 'POST', mode: 'no-cors', credentials: 'include', body });
      // The browser keeps the answer to itself.
      await sent.catch(() => {});
    }, `${running.service.url}/evaluator/v1/evaluation/batch`);
    const metrics = await createClient(running.service.url, bearer(operatorKey)).call<string>('/metrics');
    expect(metrics.body).toMatch(/_count\{method="POST",route="other",status="403"\} 1/);
    const listed = await createClient(running.service.url, bearer(tenantKey)).call<{ batches: object[] }>(
      '/v1/evaluation/batch',
    );
    // The one of the test before.
    expect(listed.body.batches).toHaveLength(1);
  });
});
