import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asServerFile, localImages } from '../../../cli/batch/local-images.ts';
import { itemError } from '../../../shared/errors.ts';

let outer: string;
let directory: string;
beforeAll(async () => {
  outer = await mkdtemp(join(tmpdir(), 'vls-images-'));
  directory = join(outer, 'list');
  await mkdir(directory);
  await writeFile(join(directory, 'a.jpg'), 'picture');
  await writeFile(join(outer, 'private.jpg'), 'not yours');
  await symlink(join(outer, 'private.jpg'), join(directory, 'link.jpg'));
});
afterAll(() => rm(outer, { recursive: true }));

const inline = (image: string, maxBytes = 1000) =>
  localImages(directory, maxBytes).inline({ id: 'i', image, text: 't' });
const base64 = Buffer.from('picture').toString('base64');

test('an image that is named by its path goes along as base64', async () => {
  for (const path of ['a.jpg', join(directory, 'a.jpg'), pathToFileURL(join(directory, 'a.jpg')).href]) {
    expect(await inline(path)).toEqual({ id: 'i', image: { base64, path }, text: 't' });
  }
});

const gif = Buffer.from('GIF89a and so on').toString('base64');
const hash = 'd41d8cd98f00b204e9800998ecf8427e';
const directoryError = (path: string) => ({
  code: 'image.file.refused',
  message: `${path} is a directory, not an image file`,
});
const longJpeg = `/9j/${'4AAQ'.repeat(100)}`;

test.each([
  'https://a.example/a.jpg',
  'HTTP://a.example/a.jpg',
  'data:image/png;base64,iVBOR',
  base64,
  '/9j/4AAQ',
  longJpeg,
  '/9j/4A*Q',
  `/8${longJpeg}`,
])('%s is no path and stays as it is', async (image) => {
  expect(await inline(image)).toEqual({ id: 'i', image, text: 't' });
});

test.each([
  ['../private.jpg', 'image.file.refused'],
  ['link.jpg', 'image.file.refused'],
  ['none.jpg', 'image.file.not_found'],
])('%s fails its row with %s and no other: nothing outside of the directory is read', async (image, code) => {
  expect(await inline(image)).toEqual({
    id: 'i',
    image,
    text: 't',
    error: { code, message: expect.stringContaining(directory), retryable: false },
  });
});

test.each([
  ['/etc/passwd', 'image.file.refused'],
  ['../private', 'image.file.refused'],
  ['..', 'image.file.refused'],
  ['./none', 'image.file.not_found'],
  ['~/none', 'image.file.not_found'],
  ['./notes', 'image.unsupported_format'],
])('%s is a path by its beginning, and fails its row with %s', async (image, code) => {
  await writeFile(join(directory, 'notes'), 'a secret');
  const { error, ...item } = (await inline(image)) as { error?: { code: string } };
  expect([error?.code, item]).toEqual([code, { id: 'i', image, text: 't' }]);
});

test('an image without the ending of one is sent if it is named as a path', async () => {
  const bytes = Buffer.from('GIF89a and so on');
  await writeFile(join(directory, 'photo'), bytes);
  expect(await inline('./photo')).toMatchObject({ image: { base64: bytes.toString('base64'), path: './photo' } });
});

test.each([
  ['photos/0001', { image: { base64: gif, path: 'photos/0001' } }],
  [hash, { image: { base64: gif, path: hash } }],
  ['photos', { error: directoryError('photos') }],
  ['photos/', { error: directoryError('photos/') }],
  ['secret', { error: { code: 'image.unsupported_format' } }],
  ['away', { error: { code: 'image.file.refused' } }],
])('%s is a path, because it names an existing entry of the directory', async (image, expected) => {
  await mkdir(join(directory, 'photos'), { recursive: true });
  for (const name of ['photos/0001', hash]) await writeFile(join(directory, name), Buffer.from(gif, 'base64'));
  await writeFile(join(directory, 'secret'), 'a secret');
  await rm(join(directory, 'away'), { force: true });
  await symlink(join(outer, 'private.jpg'), join(directory, 'away'));
  expect(await inline(image)).toMatchObject(expected);
  expect(await localImages(directory, 1000).asFile({ image, text: 't' })).toEqual({
    image: { file: image },
    text: 't',
  });
});

test.each(['photos/0002', 'set', hash.replace('d', '0')])(
  'the missing file %s has no image ending, and its row says that it is missing',
  async (image) => {
    const message = `There is no file ${image} in ${directory}`;
    expect(await inline(image)).toEqual({
      ...{ id: 'i', image, text: 't' },
      error: { code: 'image.file.not_found', message, retryable: false },
    });
    const file = { image: { file: image }, text: 't' };
    expect(await localImages(directory, 1000).asFile({ image, text: 't' })).toEqual(file);
    expect(asServerFile({ image, text: 't' })).toEqual(file);
  },
);

test('a directory is named as one, without advice on another directory of images', async () => {
  await mkdir(join(directory, 'dir.jpg'), { recursive: true });
  const images = localImages(directory, 1000);
  for (const path of ['./dir.jpg', 'dir.jpg', join(directory, 'dir.jpg'), './', directory]) {
    expect(await inline(path)).toMatchObject({ error: directoryError(path) });
    const item = { image: { file: path }, text: 't' };
    expect(images.explain(item, itemError('image.file.refused', directoryError(path).message))).toMatchObject(
      directoryError(path),
    );
  }
  expect(await inline(outer)).toMatchObject({ error: { message: expect.stringContaining('--images') } });
});

test.each(['photos/my dog', '', 'a'.repeat(300), 'a\0b', 'www.example.com/cat'])(
  '%j names no entry and stays as it is',
  async (image) => {
    await mkdir(join(directory, 'photos'), { recursive: true });
    expect(await inline(image)).toEqual({ id: 'i', image, text: 't' });
  },
);

test('an image that is too large fails its row', async () => {
  expect(await inline('a.jpg', 3)).toMatchObject({ error: { code: 'image.too_large' } });
});

test.runIf(process.platform === 'linux')('an image whose reading fails has an error that can be sent', async () => {
  // The memory of a process is a regular file whose first bytes cannot be read.
  const image = pathToFileURL('/proc/self/mem').href;
  expect(await localImages('/proc/self', 1000).inline({ image, text: 't' })).toMatchObject({
    error: { code: 'image.source_invalid', message: expect.stringMatching(/^The file .*mem cannot be read: EIO/) },
  });
});
