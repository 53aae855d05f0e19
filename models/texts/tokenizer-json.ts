import { readFile } from 'node:fs/promises';
import { Tokenizer } from '@huggingface/tokenizers';
import type { Algorithm } from './algorithm.ts';

export async function loadTokenizerJson(
  path: string,
  configPath: string,
  { replacesNormalizer }: { replacesNormalizer: boolean },
): Promise<Algorithm> {
  const [json, config] = await Promise.all(
    [path, configPath].map(async (file) => JSON.parse(await readFile(file, 'utf8'))),
  );
  const tokenizer = new Tokenizer(
    {
      ...json,
      // Names of special tokens within a text are ordinary characters, as in the reference implementations. One
      // exception: open_clip ignores everything after "<end_of_text>".
      added_tokens: [],
      ...(replacesNormalizer && { normalizer: null }),
    },
    config,
  );
  return {
    idsOf: (text) => tokenizer.encode(text).ids,
    // True for the vocabularies of CLIP, which marks word ends, and of BERT.
    readsByWord: json.model?.end_of_word_suffix === '</w>' || json.model?.type === 'WordPiece',
  };
}
