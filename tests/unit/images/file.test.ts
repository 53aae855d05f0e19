import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, open, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readImageFile } from '../../../images/file.ts';

vi.mock('node:fs/promises', { spy: true });
const files = await vi.importActual<typeof import('node:fs/promises')>('node:fs/promises');

/** Runs a step between the check of a path and the opening of the file. */
const beforeItIsOpened = (act: () => Promise<unknown>) =>
  vi.mocked(open).mockImplementationOnce(async (...args) => {
    await act();
    return await files.open(...args);
  });

const maxBytes = 10;
let directory: string;
let root: string;

beforeEach(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'vls-file-')));
  root = join(directory, 'root');
  await mkdir(join(root, 'below'), { recursive: true });
  await writeFile(join(root, 'cat.jpg'), 'cat');
  await writeFile(join(root, 'below', 'dog.jpg'), 'dog');
  await writeFile(join(directory, 'secret'), 'secret');
});
afterEach(() => vi.mocked(open).mockReset());
afterEach(() => rm(directory, { recursive: true, force: true }));

const read = async (path: string, roots: string[] = [root]) =>
  Buffer.from(await readImageFile(path, roots, maxBytes)).toString();

test('a relative path is read below the root', async () => {
  expect(await read('cat.jpg')).toBe('cat');
  expect(await read('below/dog.jpg')).toBe('dog');
});

test('an absolute path is read when it is below the root', async () => {
  expect(await read(join(root, 'below', 'dog.jpg'))).toBe('dog');
});

test('a path that leaves the root and comes back is read', async () => {
  expect(await read('below/../../root/cat.jpg')).toBe('cat');
});

test('a relative path is searched in every root, in their order', async () => {
  const second = join(directory, 'second');
  await mkdir(second);
  await writeFile(join(second, 'cat.jpg'), 'second');
  await writeFile(join(second, 'owl.jpg'), 'owl');
  expect(await read('owl.jpg', [root, second])).toBe('owl');
  expect(await read('cat.jpg', [root, second])).toBe('cat');
  expect(await read('cat.jpg', [second, root])).toBe('second');
});

test('a missing root does not hide the others', async () => {
  expect(await read('cat.jpg', [join(directory, 'missing'), root])).toBe('cat');
});

test('a root may itself be a symbolic link', async () => {
  await symlink(root, join(directory, 'link'));
  expect(await read('cat.jpg', [join(directory, 'link')])).toBe('cat');
});

test('a symbolic link that stays below the root is followed', async () => {
  await symlink(join(root, 'below', 'dog.jpg'), join(root, 'link.jpg'));
  expect(await read('link.jpg')).toBe('dog');
});

test('without roots every file is refused, and the message names the setting', async () => {
  await expect(read(join(root, 'cat.jpg'), [])).rejects.toMatchObject({
    code: 'image.file.refused',
    message: expect.stringContaining('IMAGE_FILE_ROOTS'),
  });
});

test.each([
  ['a parent directory', '../secret'],
  ['a parent directory behind a real one', 'below/../../secret'],
  ['an absolute path elsewhere', '/etc/passwd'],
  ['the root itself', '.'],
  ['an empty path', ''],
])('%s is refused', async (_what, path) => {
  await expect(read(path)).rejects.toMatchObject({ code: 'image.file.refused' });
});

test('a sibling directory whose name begins like the root is outside', async () => {
  await mkdir(`${root}-private`);
  await writeFile(join(`${root}-private`, 'cat.jpg'), 'private');
  await expect(read(`${root}-private/cat.jpg`)).rejects.toMatchObject({ code: 'image.file.refused' });
  await expect(read('../root-private/cat.jpg')).rejects.toMatchObject({ code: 'image.file.refused' });
});

test('outside the roots, a file that exists and one that does not get the same answer', async () => {
  const messageOf = (path: string) => read(path).catch((error: Error) => error.message.replace(path, '…'));
  expect(await messageOf('../secret')).toBe(await messageOf('../nothing-here'));
});

test('a symbolic link to a file outside is refused', async () => {
  await symlink(join(directory, 'secret'), join(root, 'link.jpg'));
  await expect(read('link.jpg')).rejects.toMatchObject({ code: 'image.file.refused' });
});

test('a symbolic link to a directory outside is refused', async () => {
  await symlink(directory, join(root, 'up'));
  await expect(read('up/secret')).rejects.toMatchObject({ code: 'image.file.refused' });
});

test('a NUL character is refused', async () => {
  await expect(read('cat.jpg\0.png')).rejects.toMatchObject({
    code: 'image.file.refused',
    message: expect.stringContaining('NUL'),
  });
});

test('a directory is refused and named as one only below a root', async () => {
  const code = 'image.file.refused';
  for (const path of ['below', join(root, 'below')])
    await expect(read(path)).rejects.toMatchObject({ code, message: `${path} is a directory, not an image file` });
  await symlink(directory, join(root, 'up'));
  for (const path of ['..', directory, 'up'])
    await expect(read(path)).rejects.toMatchObject({ code, message: expect.not.stringContaining('a directory') });
});

test('a FIFO without a writer is refused at once', async () => {
  execFileSync('mkfifo', [join(root, 'pipe.jpg')]);
  await expect(read('pipe.jpg')).rejects.toMatchObject({ code: 'image.file.refused' });
});

test('a unix socket is refused', async () => {
  const server = createServer().listen(join(root, 's.jpg'));
  await once(server, 'listening');
  await expect(read('s.jpg')).rejects.toMatchObject({ code: 'image.file.refused' });
  server.close();
});

test('the largest file is read and one byte more is too large', async () => {
  await writeFile(join(root, 'largest.jpg'), 'x'.repeat(maxBytes));
  await writeFile(join(root, 'larger.jpg'), 'x'.repeat(maxBytes + 1));
  expect(await read('largest.jpg')).toHaveLength(maxBytes);
  await expect(read('larger.jpg')).rejects.toMatchObject({ code: 'image.too_large' });
});

test.each([
  ['a missing file', 'mouse.jpg'],
  ['a missing directory', 'nowhere/cat.jpg'],
  ['a file used as a directory', 'cat.jpg/dog.jpg'],
])('%s is not found', async (_what, path) => {
  await expect(read(path)).rejects.toMatchObject({ code: 'image.file.not_found' });
});

test('a symbolic link to nothing is not found', async () => {
  await symlink(join(root, 'nothing'), join(root, 'dangling.jpg'));
  await expect(read('dangling.jpg')).rejects.toMatchObject({ code: 'image.file.not_found' });
});

test('a directory that becomes a link to the outside in between is detected', async () => {
  await mkdir(join(directory, 'outside'));
  await writeFile(join(directory, 'outside', 'dog.jpg'), 'outside');
  beforeItIsOpened(async () => {
    await rename(join(root, 'below'), join(root, 'moved'));
    await symlink(join(directory, 'outside'), join(root, 'below'));
  });
  await expect(read('below/dog.jpg')).rejects.toMatchObject({
    code: 'image.file.refused',
    message: expect.stringContaining('leads outside'),
  });
});

test('a file that becomes a link in between is not followed', async () => {
  beforeItIsOpened(async () => {
    await rm(join(root, 'cat.jpg'));
    await symlink(join(directory, 'secret'), join(root, 'cat.jpg'));
  });
  await expect(read('cat.jpg')).rejects.toMatchObject({ code: 'image.file.refused' });
});

test('a file that becomes a FIFO in between is refused at once', async () => {
  beforeItIsOpened(async () => {
    await rm(join(root, 'cat.jpg'));
    execFileSync('mkfifo', [join(root, 'cat.jpg')]);
  });
  await expect(read('cat.jpg')).rejects.toMatchObject({ code: 'image.file.refused' });
});

test('a file that grows while it is read is refused once it exceeds the maximum', async () => {
  vi.mocked(open).mockImplementationOnce(async (...args) => {
    const file = await files.open(...args);
    const { stat } = file;
    vi.spyOn(file, 'stat').mockImplementation(async () => {
      const found = await stat.call(file);
      await appendFile(join(root, 'cat.jpg'), 'x'.repeat(maxBytes));
      return found;
    });
    return file;
  });
  await expect(read('cat.jpg')).rejects.toMatchObject({ code: 'image.too_large' });
});

test.skipIf(process.platform !== 'linux')('a device below a root is refused', async () => {
  await expect(read('null', ['/dev'])).rejects.toMatchObject({ code: 'image.file.refused' });
  await expect(read('zero', ['/dev'])).rejects.toMatchObject({ code: 'image.file.refused' });
});
