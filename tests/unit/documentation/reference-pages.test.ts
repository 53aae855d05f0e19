import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { environment, errorsPage, settingsPage } from '../../support/reference-pages.ts';

const root = new URL('../../../', import.meta.url);
const page = (name: string) => new URL(`docs/${name}`, root).pathname;

test('the page of settings is what the code reads', async () => {
  await expect(settingsPage()).toMatchFileSnapshot(page('settings.md'));
});

test('the page of error codes is what the code answers with', async () => {
  await expect(errorsPage()).toMatchFileSnapshot(page('errors.md'));
});

test('.env.example has every setting once, with its default', () => {
  const example = readFileSync(new URL('.env.example', root), 'utf8');
  const listed = [...example.matchAll(/^#([A-Z0-9_]+)=(.*)$/gm)].map(([, env, value]) => `${env}=${value}`);
  expect(listed.sort()).toEqual(environment.map(({ env, fallback }) => `${env}=${fallback}`).sort());
});
