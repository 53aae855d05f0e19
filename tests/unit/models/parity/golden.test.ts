import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createEncoder } from '../../../../models/encoder/encoder.ts';
import type { ModelSpec } from '../../../../models/model.ts';
import { checkParity } from '../../../../models/parity/check.ts';
import { parityImages, parityTexts } from '../../../../models/parity/inputs.ts';
import { startMeasuring } from '../../../../models/parity/measure.ts';
import { referenceScript } from '../../../../models/parity/reference-script.ts';
import { takeGoldenValues } from '../../../../models/parity/take.ts';
import { readModelFolder } from '../../../../models/registry/folder.ts';
import { specOf, tinyClipFolder } from '../../../../testing/model-folders.ts';
import { familyFolder, familySpec, sigmoids } from '../../../support/golden-family.ts';

const directory = mkdtempSync(join(tmpdir(), 'vls-golden-'));
afterAll(() => rmSync(directory, { recursive: true }));
const folder = join(directory, 'model');
cpSync(tinyClipFolder, folder, { recursive: true });

const images = await parityImages();
const spec = await specOf(folder);

/** The values that a reference library would print for this model. */
async function printed(of: ModelSpec): Promise<string> {
  const measuring = await startMeasuring(of, new Map(images.map(({ image, bytes }) => [image, bytes])), parityTexts);
  const [imageRows, textRows] = [await measuring.images(of.image), await measuring.texts(of.text)];
  const file = join(directory, 'values.json');
  const content = {
    format: 'vls-golden-1',
    ...{ model: of.model, revision: of.revision, family: of.family, source: 'a reference 1.0' },
    images: images.map(({ image, bytes }) => ({
      image,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      embedding: [...(imageRows.of(image)[0] ?? [])],
    })),
    texts: await Promise.all(
      parityTexts.map(async (text) => ({
        text,
        ids: await measuring.ids(text, of.text),
        embedding: [...(textRows.of(text)[0] ?? [])],
      })),
    ),
    probability: { scale: 100, bias: null },
  };
  writeFileSync(file, JSON.stringify(content));
  return file;
}
const take = (file: string, replaces = false, of: ModelSpec = spec) =>
  takeGoldenValues(file, of, folder, images, replaces);

describe('golden values of a reference', () => {
  test('are taken into the folder of the model with their images, and the model agrees with them', async () => {
    const taken = await take(await printed(spec));
    expect(taken).toMatchObject({ images: 3, texts: parityTexts.length, source: 'a reference 1.0' });
    expect(existsSync(join(folder, 'golden/gradient.png'))).toBe(true);
    const { goldenPath = '' } = await specOf(folder);
    expect(await checkParity(spec, goldenPath)).toMatchObject({ state: 'agrees', images: { compared: 3 } });
  });

  test('are not replaced unless that is asked for', async () => {
    const file = await printed(spec);
    await expect(take(file)).rejects.toThrow('--force');
    await expect(take(file, true)).resolves.toMatchObject({ images: 3 });
  });

  test('let an encoder start that agrees, and refuse one with another mean or another filter', async () => {
    const golden = await specOf(folder);
    const start = async (changed: ModelSpec) => {
      const encoder = await createEncoder({ spec: changed, threads: 1, deviceId: 0, maxPixels: 50_000_000 });
      encoder.close();
      return encoder.verified;
    };
    expect(await start(golden)).toBe(true);
    const wrong = { ...golden, image: { ...golden.image, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } } as const;
    await expect(start(wrong)).rejects.toThrow(/does not reproduce its golden values: golden\/.*models check/);
    const filtered = { ...golden, image: { ...golden.image, filter: 'bilinear' } } as const;
    await expect(start(filtered)).rejects.toThrow('does not reproduce');
  });

  test('of another model, another revision or other images are refused', async () => {
    const file = await printed(spec);
    await expect(take(file, true, { ...spec, model: 'other' })).rejects.toThrow('the model is other');
    await expect(take(file, true, { ...spec, revision: '2' })).rejects.toThrow('revision 2');
    await expect(take(file, true, { ...spec, dimensions: 7 })).rejects.toThrow('has 7');
    const content = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...content, images: [{ ...content.images[0], sha256: 'no' }] }));
    await expect(take(file, true)).rejects.toThrow('not an image of this release');
    writeFileSync(file, JSON.stringify({ ...content, format: 'other' }));
    await expect(take(file, true)).rejects.toThrow('golden --python');
  });
});

describe('the script of a reference library', () => {
  test.each(['transformers', 'open_clip'] as const)('%s has all images and texts, as ASCII', (reference) => {
    const script = referenceScript({ ...spec, reference }, images, 'owner/name');
    for (const { image, bytes } of images) expect(script).toContain(`"${image}": "${bytes.toString('base64')}"`);
    expect(script).toMatch(/^[\n -~]*$/);
    expect(script).toContain('default="owner/name"');
    expect(script).toContain(`import ${reference}`);
    const python = spawnSync('python3', ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'], { input: script });
    // Without an interpreter there is no status.
    if (python.error === undefined) expect(`${python.stderr}`).toBe('');
  });

  test('is that of OpenCLIP for a SigLIP that OpenCLIP exported, and of transformers for its own', async () => {
    const { siglip } = sigmoids;
    const own = await familySpec('siglip', siglip);
    expect(referenceScript(own, images, undefined)).toContain('transformers.SiglipTokenizer');
    const exported = join(directory, 'siglip');
    cpSync(familyFolder('siglip'), exported, { recursive: true });
    rmSync(join(exported, 'preprocessor_config.json'));
    const config = { embed_dim: 48, text_cfg: { hf_tokenizer_name: 'timm/ViT-B-16-SigLIP' } };
    writeFileSync(join(exported, 'config.json'), JSON.stringify(config));
    writeFileSync(join(exported, 'preprocess_cfg.json'), JSON.stringify({ size: 224 }));
    const other = { ...own, ...(await readModelFolder(exported, siglip)) };
    const script = referenceScript(other, images, undefined);
    expect(script).toContain('open_clip.get_tokenizer');
    expect(script).not.toContain('SiglipTokenizer');
  });

  test('of OpenCLIP refuses a name without weights, which would be random', () => {
    expect(referenceScript({ ...spec, reference: 'open_clip' }, images, 'ViT-B-32')).toContain(
      '--pretrained is needed',
    );
  });

  test('asks for the model where nobody named one', () => {
    expect(referenceScript(spec, images, undefined)).toContain('"--model", required=True');
  });

  test('is not there for compact', () => {
    expect(() => referenceScript({ ...spec, reference: undefined }, images, undefined)).toThrow('build.py');
  });
});
