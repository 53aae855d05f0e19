import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';

const directory = fileURLToPath(new URL('../../docs/images/', import.meta.url));

/** Keeps what the page shows for the documentation, when `PICTURES=1` asks for it. */
export async function keepPicture(page: Page, name: string, part: 'whole' | 'first-screen' = 'whole'): Promise<void> {
  if (process.env['PICTURES'] !== '1') return;
  mkdirSync(directory, { recursive: true });
  await page.screenshot({ path: `${directory}${name}.png`, fullPage: part === 'whole' });
}
