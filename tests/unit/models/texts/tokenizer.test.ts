import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ModelSpec } from '../../../../models/model.ts';
import { loadTokenizer, type Tokenizer } from '../../../../models/texts/tokenizer.ts';
import { compactFolder, goldenClip, specOf, tinyClipFolder } from '../../../../testing/model-folders.ts';

/** Loading takes longer than any test. */
const loaded = new Map<string, Promise<Tokenizer>>();
function load(folder: string, maxTokens: number): Promise<Tokenizer> {
  const key = `${folder} ${maxTokens}`;
  const tokenizer = loaded.get(key) ?? specOf(folder).then((spec) => withMost(spec, maxTokens));
  loaded.set(key, tokenizer);
  return tokenizer;
}
const withMost = (spec: ModelSpec, maxTokens: number) => loadTokenizer({ ...spec, text: { ...spec.text, maxTokens } });

/** OpenCLIP's results for texts that need cleaning; see TEXTS.md in the same folder. */
const { texts: goldenTexts } = JSON.parse(
  readFileSync(new URL('../../../golden/clip/texts.json', import.meta.url), 'utf8'),
) as { texts: { about: string; text: string; input_ids: number[]; total: number }[] };

describe('the tokenizer of CLIP', () => {
  test.each(goldenClip.texts)('gives the tokens of the reference: $text', async ({ text, input_ids: expected }) => {
    const tokenizer = await load(tinyClipFolder, 77);
    expect(tokenizer.encode(text).ids).toEqual(expected);
  });

  test.each(goldenTexts)(
    'gives the tokens of the reference, $about: $text',
    async ({ text, input_ids: ids, total }) => {
      const tokenizer = await load(tinyClipFolder, 77);
      expect(tokenizer.encode(text)).toEqual({ ids, total });
    },
  );

  test.each(['<|endoftext|>', '<end_of_text>', '&lt;end_of_text&gt;'])(
    'takes %s inside a text for ordinary characters, so that nothing after it is lost',
    async (spelled) => {
      const { ids } = (await load(tinyClipFolder, 77)).encode(`a cat ${spelled} a dog`);
      expect(ids.indexOf(49_407)).toBe(ids.length - 1);
      expect(ids.at(-2)).toBe(1929);
    },
  );

  test('keeps the first tokens and the end token of a text over the context', async () => {
    const whole = await load(tinyClipFolder, 1_000);
    const cut = await load(tinyClipFolder, 10);
    const text = 'a cat and a dog and a bird and a fish and a horse';
    const all = whole.encode(text).ids;
    expect(all.length).toBeGreaterThan(10);
    expect(cut.encode(text)).toEqual({ ids: [...all.slice(0, 9), all.at(-1)], total: all.length });
  });

  test('leaves a text alone that just fits', async () => {
    const tokenizer = await load(tinyClipFolder, 8);
    const { ids, total } = tokenizer.encode('a cat looking at the camera');
    expect([ids.length, total]).toEqual([8, 8]);
    expect(ids.at(-1)).toBe(49_407);
  });

  test('gives an empty text its two special tokens', async () => {
    const tokenizer = await load(tinyClipFolder, 77);
    expect(tokenizer.encode('')).toEqual({ ids: [49_406, 49_407], total: 2 });
  });

  test('does not tell capitals from small letters', async () => {
    const tokenizer = await load(tinyClipFolder, 77);
    expect(tokenizer.encode('A Cat')).toEqual(tokenizer.encode('a cat'));
  });
});

describe('the tokenizer of compact', () => {
  test('reads a text uncleaned: its entities and ligatures are what they are', async () => {
    const tokenizer = await load(compactFolder, 128);
    expect(tokenizer.encode('fish &amp; chips').ids).toEqual(tokenizer.encode('fish & amp ; chips').ids);
    expect(tokenizer.encode('ﬁsh').ids).not.toEqual(tokenizer.encode('fish').ids);
  });

  test('puts a text between its start and end tokens', async () => {
    const { ids, total } = (await load(compactFolder, 128)).encode('a photo of a cat');
    expect([ids.at(0), ids.at(-1), ids.length, total]).toEqual([101, 102, 7, 7]);
  });

  test('keeps the first 127 tokens and the end token of a text over the context', async () => {
    const tokenizer = await load(compactFolder, 128);
    const { ids, total } = tokenizer.encode('cat '.repeat(300));
    expect(total).toBe(302);
    expect(ids).toEqual([101, ...new Array(126).fill(ids[1]), 102]);
  });
});
