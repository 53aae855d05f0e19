import { expect, test } from 'vitest';
import { errorsPage, exampleFile, settingsPage } from '../../support/reference-pages.ts';

const root = new URL('../../../', import.meta.url);
const page = (name: string) => new URL(`docs/${name}`, root).pathname;

test('the page of settings is what the code reads', async () => {
  await expect(settingsPage()).toMatchFileSnapshot(page('settings.md'));
});

test('the page of error codes is what the code answers with', async () => {
  await expect(errorsPage()).toMatchFileSnapshot(page('errors.md'));
});

test('.env.example has every setting with its default', async () => {
  await expect(exampleFile()).toMatchFileSnapshot(new URL('.env.example', root).pathname);
});
