import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { findChromium } from '../../testing/chromium.ts';

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

/**
 * The time in ms after which an action in a browser fails. Playwright's own 30 s are too short on a machine on which
 * several browsers and services share two cores: the page of a sign-in took 31 s there.
 */
export const patienceMs = 90_000;

/** Starts a browser for all tests of the file that calls it. */
export function useBrowser(): RunningBrowser {
  const running = {} as RunningBrowser;
  beforeAll(async () => {
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
  // Without motion, because Chromium without a GPU draws each frame on the processor.
  const context = await browser.newContext({
    viewport: { width: 1180, height: 860 },
    reducedMotion: 'reduce',
    ...options,
  });
  context.setDefaultTimeout(patienceMs);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    const { url } = message.location();
    // A service that asks for no keys has no session to tell of.
    if (message.type() !== 'error' || url.endsWith('/evaluator/session')) return;
    complaints.push(`${message.text()} (${url})`);
  });
  return { page, context, complaints };
}

/**
 * Waits until an expression is true in the page. Not by `waitForFunction`, which the content security policy refuses, and
 * not by animation frames, since Chromium without a GPU draws each of them on the processor.
 */
export async function untilTrue(page: Page, expression: string): Promise<void> {
  await page.evaluate(`new Promise((resolve) => {
    const look = () => ((${expression}) ? resolve() : setTimeout(look, 20));
    look();
  })`);
}
