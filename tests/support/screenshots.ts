import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';

const directory = fileURLToPath(new URL('../../docs/images/', import.meta.url));

/** Saves a screenshot of the page for the documentation if `SCREENSHOTS=1` is set. */
export async function saveScreenshot(
  page: Page,
  name: string,
  part: 'whole' | 'first-screen' = 'whole',
): Promise<void> {
  if (process.env['SCREENSHOTS'] !== '1') return;
  mkdirSync(directory, { recursive: true });
  await page.screenshot({ path: `${directory}${name}.png`, fullPage: part === 'whole' });
}
