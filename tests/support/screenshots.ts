import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { untilTrue } from './browser.ts';

const directory = fileURLToPath(new URL('../../docs/images/', import.meta.url));

/** Saves a screenshot of the page for the documentation if `SCREENSHOTS=1` is set. */
export async function saveScreenshot(
  page: Page,
  name: string,
  part: 'whole' | 'first-screen' = 'whole',
): Promise<void> {
  if (process.env['SCREENSHOTS'] !== '1') return;
  mkdirSync(directory, { recursive: true });
  // A lazy image below the first screen is blank until somebody scrolls to it. An image that is decoded asynchronously
  // may be blank although it is complete.
  const isWhole = part === 'whole';
  await page.evaluate('scrollTo(0, 0)');
  await page.evaluate(`for (const img of document.images) {
    img.decoding = 'sync';
    if (${isWhole}) img.loading = 'eager';
  }`);
  await untilTrue(page, `[...document.images].every((img) => img.complete || img.loading === 'lazy')`);
  await page.evaluate(
    `Promise.allSettled([...document.images].filter((img) => img.complete).map((img) => img.decode()))`,
  );
  await page.screenshot({ path: `${directory}${name}.png`, fullPage: part === 'whole' });
}
