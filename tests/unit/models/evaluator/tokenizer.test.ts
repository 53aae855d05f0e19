import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadTokenizer } from '../../../../models/evaluator/tokenizer.ts';
import { compactFolder, goldenClip, tinyClipFolder } from '../../../support/model-folders.ts';

const load = (folder: string, contextLength: number) =>
  loadTokenizer(join(folder, 'tokenizer.json'), join(folder, 'tokenizer_config.json'), contextLength);

describe('the tokenizer of CLIP', () => {
  // The other golden texts need their HTML entities or their typographic quotes cleaned first.
  const plain = goldenClip.texts.filter(({ text }) => !/&amp;|“/.test(text));

  test.each(plain)('gives the tokens of the reference: $text', async ({ text, input_ids: expected }) => {
    const tokenizer = await load(tinyClipFolder, 77);
    expect(tokenizer.encode(text).ids).toEqual(expected);
  });

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
