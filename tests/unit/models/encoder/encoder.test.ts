import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEncoder, type Encoder } from '../../../../models/encoder/encoder.ts';
import { compactFolder, goldenClip, goldenImage, specOf, tinyClipFolder } from '../../../../testing/model-folders.ts';

const options = { threads: 1, deviceId: 0, maxPixels: 50_000_000 };
const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, at) => sum + value * (b[at] ?? Number.NaN), 0);

describe('with tiny-clip', () => {
  let encoder: Encoder;
  beforeAll(async () => {
    encoder = await createEncoder({ ...options, spec: await specOf(tinyClipFolder) });
  });

  test.each(goldenClip.texts)(
    'the embedding of a text is that of the reference: $text',
    async ({ text, embedding }) => {
      const embedded = await encoder.text(text, true);
      expect(1 - dot(embedded.embedding, embedding)).toBeLessThan(1e-5);
      for (const [at, value] of embedding.entries()) expect(embedded.embedding[at]).toBeCloseTo(value, 5);
    },
  );

  test('texts of different lengths in one run get the embeddings they have alone', async () => {
    const together = await Promise.all(goldenClip.texts.map(({ text }) => encoder.text(text, false)));
    for (const [row, { embedding }] of goldenClip.texts.entries()) {
      for (const [at, value] of embedding.entries()) expect(together[row]?.embedding[at]).toBeCloseTo(value, 5);
    }
  });

  // Largest distance of a cosine from the reference's. Measured: 0.0031 where a photo is made smaller, 0.0133 where a
  // image is enlarged or very wide; 0.031 with alpha and 0.046 with a palette, which Pillow treats in ways of its own.
  const tolerances: Record<string, number> = {
    'chelsea-101x80.jpg': 0.015,
    'chelsea-999x60.png': 0.015,
    'coffee-palette.png': 0.02,
    'coffee-rgba.png': 0.035,
    'coffee.gif': 0.05,
  };

  test.each(goldenClip.images.map((image, row) => ({ ...image, row })))(
    'the cosines of $file are close to those of the reference',
    async ({ file, row }) => {
      const { embedding } = await encoder.image(goldenImage(file), { interactive: true });
      for (const [column, text] of goldenClip.texts.entries()) {
        const expected = goldenClip.cosine[row]?.[column] ?? Number.NaN;
        expect(Math.abs(dot(embedding, text.embedding) - expected)).toBeLessThan(tolerances[file] ?? 0.004);
      }
    },
  );

  test('images in one run get the embeddings they have alone', async () => {
    const files = ['chelsea.jpg', 'coffee.jpg', 'rocket.jpg'];
    const alone: Float32Array[] = [];
    for (const file of files) alone.push((await encoder.image(goldenImage(file), { interactive: true })).embedding);
    const together = await Promise.all(files.map((file) => encoder.image(goldenImage(file), { interactive: false })));
    for (const [row, { embedding }] of together.entries()) expect(dot(embedding, alone[row] ?? [])).toBeCloseTo(1, 5);
  });

  test('every embedding has the length of the model and the norm 1', async () => {
    const { embedding: image } = await encoder.image(goldenImage('coffee.jpg'), { interactive: true });
    const { embedding: sentence } = await encoder.text('a cup of coffee', true);
    expect([image.length, sentence.length]).toEqual([32, 32]);
    expect(dot(image, image)).toBeCloseTo(1, 5);
    expect(dot(sentence, sentence)).toBeCloseTo(1, 5);
  });

  test('a text over the context is embedded with a warning that counts its tokens', async () => {
    expect(await encoder.text('cat '.repeat(100), true)).toMatchObject({ tokens: 77, totalTokens: 102 });
  });

  test('a text within the context has no warning', async () => {
    expect(await encoder.text('a cat', true)).toMatchObject({ tokens: 4, totalTokens: 4 });
  });

  test('a damaged image fails alone', async () => {
    const damaged = goldenImage('coffee.jpg').subarray(0, 5_000);
    const [before, failed, after] = await Promise.allSettled([
      encoder.image(goldenImage('coffee.jpg'), { interactive: false }),
      encoder.image(damaged, { interactive: false }),
      encoder.image(goldenImage('coffee.jpg'), { interactive: false }),
    ]);
    expect([before.status, failed.status, after.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(failed).toMatchObject({ reason: { code: 'image.corrupt' } });
  });
});

describe('with compact', () => {
  interface GoldenCompact {
    images: string[];
    texts: string[];
    cosine: number[][];
  }
  const golden = JSON.parse(
    readFileSync(new URL('../../../golden/compact/expected.json', import.meta.url), 'utf8'),
  ) as GoldenCompact;
  const photo = (name: string) => readFileSync(new URL(`../../../../examples/photos/${name}`, import.meta.url));

  // Measured: 0.0083.
  test('all cosines of photos and captions are close to those of the recipe', async () => {
    const encoder = await createEncoder({ ...options, spec: await specOf(compactFolder) });
    const images = await Promise.all(golden.images.map((name) => encoder.image(photo(name), { interactive: false })));
    const sentences = await Promise.all(golden.texts.map((text) => encoder.text(text, false)));
    for (const [row, image] of images.entries()) {
      for (const [column, sentence] of sentences.entries()) {
        const expected = golden.cosine[row]?.[column] ?? Number.NaN;
        expect(Math.abs(dot(image.embedding, sentence.embedding) - expected)).toBeLessThan(0.01);
      }
    }
  });
});

describe('a model that cannot be loaded', () => {
  test('names the file of the graph that is missing', async () => {
    const spec = await specOf(tinyClipFolder, { visionPath: '/nowhere/vision_model.onnx' });
    await expect(createEncoder({ ...options, spec })).rejects.toThrow('/nowhere/vision_model.onnx');
  });

  test('names the tokenizer that is missing', async () => {
    const spec = await specOf(tinyClipFolder, { tokenizerPath: '/nowhere/tokenizer.json' });
    await expect(createEncoder({ ...options, spec })).rejects.toThrow('/nowhere/tokenizer.json');
  });
});

describe('with decoders, and towers in a thread of their own', () => {
  let encoder: Encoder;
  beforeAll(async () => {
    const spec = await specOf(tinyClipFolder, { preprocess: 'exact' });
    encoder = await createEncoder({ ...options, spec, decoders: 2 });
  });
  afterAll(() => encoder.close());

  test('every cosine is that of the reference, whatever shares its run', async () => {
    const [images, texts] = await Promise.all([
      Promise.all(goldenClip.images.map(({ file }) => encoder.image(goldenImage(file), { interactive: false }))),
      Promise.all(goldenClip.texts.map(({ text }) => encoder.text(text, false))),
    ]);
    for (const [row, image] of images.entries()) {
      for (const [column, text] of texts.entries()) {
        const expected = goldenClip.cosine[row]?.[column] ?? Number.NaN;
        expect(Math.abs(dot(image.embedding, text.embedding) - expected)).toBeLessThan(1e-5);
      }
    }
  });

  test('runs of full micro-batches follow each other, and each answers its own images', async () => {
    const alone = (await encoder.image(goldenImage('rocket.jpg'), { interactive: true })).embedding;
    const files = Array.from({ length: 60 }, (_, at) => (at % 3 === 0 ? 'rocket.jpg' : 'coffee.jpg'));
    const embedded = await Promise.all(files.map((file) => encoder.image(goldenImage(file), { interactive: false })));
    for (const [at, { embedding, runInputs, inferenceMs }] of embedded.entries()) {
      const cosine = dot(embedding, alone);
      if (files[at] === 'rocket.jpg') expect(cosine).toBeCloseTo(1, 5);
      else expect(cosine).toBeLessThan(0.999);
      expect(runInputs).toBeLessThanOrEqual(8);
      expect(inferenceMs).toBeGreaterThan(0);
    }
  });

  test('a damaged image fails alone', async () => {
    const damaged = goldenImage('coffee.jpg').subarray(0, 5_000);
    const outcomes = await Promise.allSettled([
      encoder.image(goldenImage('coffee.jpg'), { interactive: false }),
      encoder.image(damaged, { interactive: false }),
      encoder.image(goldenImage('rocket.jpg'), { interactive: true }),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });
});
