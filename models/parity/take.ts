import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { inOurWords } from '../../shared/validation-words.ts';
import type { goldenFile } from '../encoder/golden-file.ts';
import { sizeOf, writeJson } from '../files.ts';
import type { ModelSpec } from '../model.ts';
import { type ParityImage, parityTexts } from './inputs.ts';

const embedding = z.array(z.number()).min(1);

/** The golden values that a reference script prints. */
const values = z.object({
  format: z.literal('vls-golden-1', 'not golden values printed by a script of `vls models golden --python`'),
  model: z.string(),
  revision: z.string(),
  family: z.string(),
  source: z.string().min(1),
  images: z.array(z.object({ image: z.string(), sha256: z.string(), embedding })).min(1),
  texts: z.array(z.object({ text: z.string(), ids: z.array(z.int()), embedding })).min(1),
  probability: z.object({ scale: z.number(), bias: z.number().nullable() }),
});

export interface Taken {
  path: string;
  source: string;
  images: number;
  texts: number;
}

/**
 * Writes golden values and their images into a model folder.
 * @param file the output of a reference script.
 * @param replaces true to replace existing golden values.
 * @throws {Error} for values of another model or of other inputs, and for existing values when `replaces` is false.
 */
export async function takeGoldenValues(
  file: string,
  { model, revision, family, dimensions }: Pick<ModelSpec, 'model' | 'revision' | 'family' | 'dimensions'>,
  directory: string,
  images: readonly ParityImage[],
  replaces: boolean,
): Promise<Taken> {
  const parsed = values.safeParse(JSON.parse(await readFile(file, 'utf8')), { error: inOurWords });
  if (!parsed.success) throw new Error(`${file}: ${z.prettifyError(parsed.error)}`);
  const { data } = parsed;
  const refuse = (message: string) => new Error(`${file}: ${message}`);
  if (data.model !== model || data.revision !== revision || data.family !== family) {
    const given = `${data.model} (revision ${data.revision}, ${data.family})`;
    throw refuse(`the values belong to ${given}, but the model is ${model} (revision ${revision}, ${family})`);
  }
  for (const { embedding } of [...data.images, ...data.texts]) {
    if (embedding.length === dimensions) continue;
    throw refuse(`an embedding has ${embedding.length} values, but an embedding of ${model} has ${dimensions}`);
  }
  const bytes = new Map(images.map(({ image, bytes }) => [image, bytes]));
  for (const { image, sha256 } of data.images) {
    const known = bytes.get(image);
    if (known === undefined || createHash('sha256').update(known).digest('hex') !== sha256) {
      throw refuse(`${image} is not an image of this release; write the script again with --python`);
    }
  }
  const unknown = data.texts.find(({ text }) => !parityTexts.includes(text));
  if (unknown !== undefined)
    throw refuse(`"${unknown.text.slice(0, 60)}" is not a text of this release; write the script again with --python`);
  const path = join(directory, 'golden.json');
  if (!replaces && (await sizeOf(path)) > 0) throw new Error(`${path} already exists; --force replaces it`);
  for (const { image } of data.images) {
    const target = join(directory, image);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, bytes.get(image) ?? '');
  }
  const golden: z.input<typeof goldenFile> = {
    source: data.source,
    images: data.images.map(({ image, embedding }) => ({ image, embedding })),
    texts: data.texts,
    probability: data.probability,
  };
  await writeJson(path, golden);
  return { path, source: data.source, images: data.images.length, texts: data.texts.length };
}
