import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { banner } from '../../../start/banner.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');

test('the banner names the page, the docs and the queues', () => {
  const text = banner('http://127.0.0.1:8000', root);
  for (const path of ['/', '/docs', '/queues']) expect(text).toContain(`http://127.0.0.1:8000/evaluator${path}\n`);
});

test('the curl command scores a photo of the checkout, by a path that holds where it is typed', () => {
  expect(banner('http://127.0.0.1:8000', root)).toContain(
    "curl -F image=@examples/photos/chelsea.jpg -F 'text=a cat looking at the camera' http://127.0.0.1:8000/evaluator/v1/evaluation/single",
  );
  const elsewhere = resolve(root, 'tests/unit');
  const [, photo = ''] = /image=@(\S+)/.exec(banner('http://127.0.0.1:8000', elsewhere)) ?? [];
  expect(resolve(elsewhere, photo)).toBe(resolve(root, 'examples/photos/chelsea.jpg'));
});

test('remarks follow the banner, in its indentation', () => {
  expect(banner('http://127.0.0.1:8000', root, ['A is not a setting'])).toMatch(
    /\n {2}Ctrl-C drains and stops everything\.\n\n {2}A is not a setting\.\n$/,
  );
});
