import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashFolder, readFolder } from '../../../formats/folder.ts';
import type { ReadItem } from '../../../formats/items.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vls-folder-'));
  await mkdir(join(folder, 'more/deep'), { recursive: true });
  const files = {
    'b.jpg': 'x',
    'b.txt': 'a cup\n',
    'a.png': 'x',
    'a.json': '{"caption": "a lake", "width": 3}',
    'a-b.jpg': 'x',
    'a-b.txt': 'between',
    'two.jpg': 'x',
    'two.png': 'x',
    'two.txt': 'two images',
    'none.webp': 'x',
    'README.txt': 'no image',
    'notes.md': 'no part',
    '.hidden.jpg': 'x',
    'more/c.JPG': 'x',
    'more/c.txt': 'inside',
    'more/deep/data:1.jpg': 'x',
    'more/deep/data:1.txt': 'deep',
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  await symlink(join(folder, 'b.jpg'), join(folder, 'link.jpg'));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(): Promise<ReadItem[]> {
  const columns = { image: 'image', text: 'text', id: 'id' };
  const items: ReadItem[] = [];
  for await (const some of readFolder(folder, { strictness: 'lenient', columns }).items) items.push(...some);
  return items;
}

test('images with captions of the same stem are items in the order of their names', async () => {
  expect(await read()).toEqual([
    { id: 'a-b', image: 'a-b.jpg', text: 'between' },
    { id: 'a', image: 'a.png', text: 'a lake', metadata: { width: 3 } },
    { id: 'b', image: 'b.jpg', text: 'a cup' },
    { id: 'none', image: 'none.webp', error: expect.objectContaining({ code: 'item.invalid' }) },
    {
      id: 'two',
      error: expect.objectContaining({
        message: 'sample two has two images, two.jpg and two.png; a sample has one image',
      }),
    },
    { id: 'more/c', image: 'more/c.JPG', text: 'inside' },
    { id: 'more/deep/data:1', image: 'more/deep/data:1.jpg', text: 'deep' },
  ]);
});

test('the hash of a folder changes with a caption, and with the time of an image', async () => {
  const first = await hashFolder(folder);
  expect(await hashFolder(folder)).toBe(first);
  await writeFile(join(folder, 'b.txt'), 'another cup');
  const second = await hashFolder(folder);
  expect(second).not.toBe(first);
  await utimes(join(folder, 'a.png'), 1, 1);
  expect(await hashFolder(folder)).not.toBe(second);
});
