import { readFileSync } from 'node:fs';
import type { Download, Page } from 'playwright-core';

/** Waits for as many files as an action saves. Returns their contents by name. */
export async function downloads(
  page: Page,
  count: number,
  action: () => Promise<void>,
): Promise<Record<string, Buffer>> {
  const files: Download[] = [];
  const all = Promise.withResolvers<void>();
  const add = (file: Download) => files.push(file) === count && all.resolve();
  page.on('download', add);
  await action();
  await all.promise;
  page.off('download', add);
  const read = async (file: Download) => [file.suggestedFilename(), readFileSync(await file.path())] as const;
  return Object.fromEntries(await Promise.all(files.map(read)));
}

/** The same with the contents as text. */
export async function textDownloads(...args: Parameters<typeof downloads>): Promise<Record<string, string>> {
  const files = Object.entries(await downloads(...args));
  return Object.fromEntries(files.map(([name, bytes]) => [name, bytes.toString()]));
}
