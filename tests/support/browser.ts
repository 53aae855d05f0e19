import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { findProgram } from '../../start/redis/find.ts';

/** The Chromium of this machine, or undefined. */
export const findChromium = (): string | undefined =>
  ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']
    .map((name) => findProgram(name))
    .find((program) => program !== undefined);

/** A page that is watched: what its console says of errors, and what its security policy refused. */
export interface WatchedPage {
  page: Page;
  context: BrowserContext;
  complaints: string[];
}

export interface RunningBrowser {
  browser: Browser;
  open(options?: BrowserContextOptions): Promise<WatchedPage>;
}

/** Builds the page if its sources have changed, and starts a browser for all tests of the file that calls it. */
export function useBrowser(): RunningBrowser {
  const running = {} as RunningBrowser;
  beforeAll(async () => {
    const build = fileURLToPath(new URL('../../start/bootstrap/page.js', import.meta.url));
    spawnSync(process.execPath, [build], { stdio: 'inherit' });
    const executablePath = findChromium();
    if (executablePath === undefined) throw new Error('There is no Chromium; the test should have been skipped');
    running.browser = await chromium.launch({
      executablePath,
      // Chromium refuses to run as root with its sandbox.
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    });
    running.open = (options) => open(running.browser, options);
  });
  afterAll(async () => {
    await running.browser?.close();
  });
  return running;
}

async function open(browser: Browser, options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1180, height: 860 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`${message.text()} (${message.location().url})`);
  });
  return { page, context, complaints };
}
