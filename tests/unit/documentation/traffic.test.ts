import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readEntries } from '../../../models/registry/entries.ts';
import { tinyClipFolder } from '../../../testing/model-folders.ts';
import { readGuide } from '../../support/guides.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-guide-'));
});
afterAll(() => rm(directory, { recursive: true }));

interface Written {
  profiles: { fast: object };
}
const guide = readGuide('docs/traffic.md');
const examples = [...guide.matchAll(/^```json\n(.*?)^```$/gms)].map(([, text = '']) => JSON.parse(text) as Written);

/** The rules that a registry file gives its profile `fast`. */
async function rulesOf(file: Written) {
  const modelsFile = join(directory, 'models.json');
  const source = { type: 'folder', path: tinyClipFolder };
  await writeFile(modelsFile, JSON.stringify({ ...file, models: { mine: { source }, 'mine-int8': { source } } }));
  const entries = await readEntries({ dataDir: directory, modelsFile, model: undefined });
  return entries.traffic.get('fast');
}

test('the registry files of docs/traffic.md are registry files', async () => {
  expect(examples).toHaveLength(3);
  for (const example of examples) expect(await rulesOf(example)).toMatchObject(example.profiles.fast);
});

test('docs/traffic.md writes out the defaults of every field, in its example and in its table', async () => {
  const [, everything] = examples;
  const left = await rulesOf({
    profiles: {
      fast: {
        model: 'vit-b-32',
        split: { 'vit-l-14': 0.1 },
        canary: { model: 'mine' },
        shadow: { model: 'mine-int8' },
      },
    },
  });
  expect(left).toEqual(everything?.profiles.fast);

  const rows = [...guide.matchAll(/^\| `([a-zA-Z.]+)` .*\| +(\S*) +\|$/gm)].map(([, field, value]) => [field, value]);
  const told = Object.fromEntries(rows);
  for (const [field, value] of fieldsOf(left ?? {})) {
    if (typeof value === 'number') expect(told[field], field).toBe(String(value));
    else expect(told, field).toHaveProperty([field]);
  }
});

/** Every value inside, by its path; shares by model are one. */
function fieldsOf(value: object, path = ''): [field: string, value: unknown][] {
  return Object.entries(value).flatMap(([name, inner]): [string, unknown][] => {
    const field = `${path}${name}`;
    return typeof inner === 'object' && name !== 'split' ? fieldsOf(inner, `${field}.`) : [[field, inner]];
  });
}
