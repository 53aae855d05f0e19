import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verify } from '../../../../models/pulling/verify.ts';
import { addEntry, addFolder, removeAdded } from '../../../../models/registry/added.ts';
import { readEntries } from '../../../../models/registry/entries.ts';
import { familyFolder } from '../../../support/golden-family.ts';

let directory: string;
let folder: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-added-'));
  folder = join(directory, 'model');
  await cp(familyFolder('siglip2'), folder, { recursive: true });
});
afterEach(() => rm(directory, { recursive: true }));

const config = () => ({ dataDir: join(directory, 'data'), modelsFile: undefined, model: undefined });
const as = { model: 'mine', logitScale: 112.67, logitBias: -16.77 };
async function added() {
  const entry = (await readEntries(config())).find('mine');
  if (entry === undefined) throw new Error('the entry is not there');
  return entry;
}
const weights = () => join(folder, 'onnx/text_model.onnx_data');

describe('an added folder with weights outside a graph', () => {
  test('has another revision when only those weights differ', async () => {
    await addFolder(config(), folder, as);
    const before = await added();
    expect(Object.keys(before.files)).toContain('onnx/text_model.onnx_data');
    const bytes = await readFile(weights());
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    await writeFile(weights(), bytes);
    expect(await verify(before)).toMatchObject({ state: 'damaged' });
    await addFolder(config(), folder, as);
    expect((await added()).revision).not.toBe(before.revision);
    expect(await verify(await added())).toMatchObject({ state: 'intact' });
  });

  test('is refused when they are missing, by their name', async () => {
    await rm(weights());
    await expect(addFolder(config(), folder, as)).rejects.toThrow('text_model.onnx_data');
  });

  test('is damaged when they go missing later', async () => {
    await addFolder(config(), folder, as);
    await rm(weights());
    expect(await verify(await added())).toMatchObject({ state: 'damaged' });
  });

  test('may have towers of two precisions', async () => {
    await cp(join(folder, 'onnx/vision_model.onnx'), join(folder, 'onnx/vision_model_fp16.onnx'));
    await rm(join(folder, 'onnx/vision_model.onnx'));
    expect(await addFolder(config(), folder, as)).toEqual(['fp16+fp32']);
    expect((await added()).precision).toEqual({ vision: 'fp16', text: 'fp32' });
  });
});

describe('an added entry', () => {
  const entry = {
    source: { type: 'huggingface', repo: 'someone/clip', revision: 'a'.repeat(40), layout: 'xenova' },
    dimensions: 512,
  };

  test('is in the registry until it is removed, with its profile', async () => {
    await addEntry(config(), entry, { model: 'clip', profile: 'own' });
    expect((await readEntries(config())).find('own')).toMatchObject({ model: 'clip', dimensions: 512 });
    await removeAdded(config().dataDir, 'clip');
    expect((await readEntries(config())).find('own')).toBeUndefined();
  });

  test.each([
    ['another field', { ...entry, colour: 'red' }, 'clip', 'colour'],
    ['a name that is taken', entry, 'vit-b-32', 'choose another name'],
    ['a name that is none', entry, '../clip', 'cannot be a name'],
  ])('with %s is refused and changes nothing', async (_what, wrong, model, said) => {
    await expect(addEntry(config(), wrong, { model })).rejects.toThrow(said);
    expect((await readEntries(config())).models.get(model)?.dimensions).toBe(model === 'vit-b-32' ? 512 : undefined);
    expect((await readEntries(config())).models.has('clip')).toBe(false);
  });
});
