import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createImageLoader, type ImageConfig } from '../../../images/loader.ts';
import type { ImageSource } from '../../../shared/contracts/item.ts';
import { scriptedOrigin } from '../../support/scripted-origin.ts';

function loaderOf(config: Partial<ImageConfig> = {}) {
  const loader = createImageLoader({
    imageHostsAllow: [],
    imageHostsDeny: [],
    imageFileRoots: [],
    imageMaxBytes: 1_000,
    fetchTimeoutMs: 30_000,
    fetchPerHost: 32,
    ...config,
  });
  onTestFinished(() => loader.close());
  return loader;
}

const text = 'GIF89a and so on';
const base64 = Buffer.from(text).toString('base64');

test.each<[string, ImageSource]>([
  ['base64', base64],
  ['base64 in white space', `\n ${base64} \n`],
  ['a data URI', `data:image/png;base64,${base64}`],
  ['a data URI in capitals', `DATA:image/png;base64,${base64}`],
  ['an object with base64', { base64 }],
  ['an object with a data URI as base64', { base64: ` data:image/png;base64,${base64}` }],
])('%s is decoded', async (_what, source) => {
  expect(Buffer.from(await loaderOf().load(source)).toString()).toBe(text);
});

test.each(['/9j/4AAQSkZJRg', `/9j/${'4AAQ'.repeat(100)}`, `/zzz/${'4AAQ'.repeat(100)}`])(
  'base64 with a slash in front is decoded: %s',
  async (source) => {
    expect(Buffer.from(await loaderOf().load(source))).toEqual(Buffer.from(source, 'base64'));
  },
);

test.each([
  ...['/etc/passwd', ' /home/me/x', './x', '../photos/x', '~/x', 'C:/photos/x', 'C:\\x'],
  ...['photos/set', 'd41d8cd98f00b204e9800998ecf8427e', 'photos/été'],
])('the message about %s says that it is a path', async (source) => {
  for (const given of [source, { url: source }])
    await expect(loaderOf().load(given)).rejects.toMatchObject({
      code: 'image.source_invalid',
      message: expect.stringMatching(/^The image looks like a file path/),
    });
});

test.each(['AA.A', 'data:image/png;base64,AA.A'])(
  'the base64 %s with a wrong character is not a path',
  async (base64) => {
    await expect(loaderOf().load({ base64 })).rejects.toThrow(/, and it is not base64$/);
  },
);

test('an http URL is fetched, as a string and as an object', async () => {
  const origin = await scriptedOrigin((_request, response) => response.end(text));
  const loader = loaderOf({ imageHostsAllow: [origin.host] });
  const sources: ImageSource[] = [
    `${origin.url}/cat.jpg`,
    ` ${origin.url}/cat.jpg\n`,
    `${origin.url}/cat.jpg`.replace('http', 'HTTP'),
    { url: `${origin.url}/cat.jpg` },
  ];
  for (const source of sources) expect(Buffer.from(await loader.load(source)).toString()).toBe(text);
  expect(origin.requests.map(({ url }) => url)).toEqual(['/cat.jpg', '/cat.jpg', '/cat.jpg', '/cat.jpg']);
});

test('a file is read below its roots and nowhere else', async () => {
  const root = await mkdtemp(join(tmpdir(), 'vls-loader-'));
  onTestFinished(() => rm(root, { recursive: true }));
  await writeFile(join(root, 'cat.jpg'), text);
  const loader = loaderOf({ imageFileRoots: [{ tenant: '*', path: root }] });
  expect(Buffer.from(await loader.load({ file: 'cat.jpg' })).toString()).toBe(text);
  await expect(loader.load({ file: '/etc/hostname' })).rejects.toMatchObject({ code: 'image.file.refused' });
});

test('a directory of one tenant is not read for others', async () => {
  const root = await mkdtemp(join(tmpdir(), 'vls-loader-'));
  onTestFinished(() => rm(root, { recursive: true }));
  await writeFile(join(root, 'cat.jpg'), text);
  const loader = loaderOf({ imageFileRoots: [{ tenant: 'a', path: root }] });
  expect(Buffer.from(await loader.load({ file: 'cat.jpg' }, { tenant: 'a' })).toString()).toBe(text);
  for (const tenant of ['b', undefined]) {
    const refused = loader.load({ file: join(root, 'cat.jpg') }, { tenant });
    await expect(refused).rejects.toMatchObject({ code: 'image.file.refused' });
  }
});

test('files are disabled without roots', async () => {
  await expect(loaderOf().load({ file: '/etc/hostname' })).rejects.toMatchObject({ code: 'image.file.refused' });
});

test.each<ImageSource>([
  'ftp://example.org/cat.jpg',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'C:/photos/cat.jpg',
  'photos/cat.jpg',
  '  ',
  { url: 'ftp://example.org/cat.jpg' },
  { url: `data:image/png;base64,${base64}` },
  { url: 'cat.jpg' },
  { base64: 'http://example.org/cat.jpg' },
])('%j is not an image source', async (source) => {
  await expect(loaderOf().load(source)).rejects.toMatchObject({ code: 'image.source_invalid' });
});

test('the message about a foreign scheme names it', async () => {
  await expect(loaderOf().load('ftp://example.org/cat.jpg')).rejects.toThrow(
    'Only http and https URLs are fetched, not ftp:',
  );
});

test('a private address is blocked unless its host is allowed', async () => {
  await expect(loaderOf().load('http://127.0.0.1/cat.jpg')).rejects.toMatchObject({
    code: 'image.fetch.blocked_address',
  });
});

test('every kind of source has the same maximum size', async () => {
  const origin = await scriptedOrigin((_request, response) => {
    response.write(text);
    response.end();
  });
  const root = await mkdtemp(join(tmpdir(), 'vls-loader-'));
  onTestFinished(() => rm(root, { recursive: true }));
  await writeFile(join(root, 'cat.jpg'), text);
  const loader = loaderOf({
    imageHostsAllow: [origin.host],
    imageFileRoots: [{ tenant: '*', path: root }],
    imageMaxBytes: text.length - 1,
  });
  for (const source of [base64, `data:;base64,${base64}`, { base64 }, origin.url, { file: 'cat.jpg' }]) {
    await expect(loader.load(source)).rejects.toMatchObject({ code: 'image.too_large' });
  }
});

test("the caller's signal ends a download", async () => {
  const abort = new AbortController();
  const origin = await scriptedOrigin(() => abort.abort(new Error('the caller left')));
  const loader = loaderOf({ imageHostsAllow: [origin.host] });
  await expect(loader.load({ url: origin.url }, { signal: abort.signal })).rejects.toThrow('the caller left');
  await expect(loader.load(origin.url, { signal: abort.signal })).rejects.toThrow('the caller left');
});

test.each([
  ['cat.jpg', 'file path'],
  ['photos/cat.jpg', 'file path'],
  ['./cat', 'file path'],
  ['C:\\photos\\cat.jpg', 'file path'],
  ['/home/me/cat.jpg', 'file path'],
  ['www.example.org/cat.jpg', 'without http:// or https://'],
  ['example.org/cat', 'without http:// or https://'],
  ['photos/set', 'file path'],
  ['not an address', 'neither an http(s) URL'],
  ['photos/my dog', 'neither an http(s) URL'],
])('%s: the message says what the source looks like', async (source, message) => {
  for (const given of [source, { url: source }])
    await expect(loaderOf().load(given)).rejects.toThrow(
      expect.objectContaining({ message: expect.stringContaining(message) }),
    );
});
