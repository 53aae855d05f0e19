import { readFile } from 'node:fs/promises';
import { Tokenizer } from '@huggingface/tokenizers';
import type { Algorithm } from './algorithm.ts';

/** The algorithm that a `tokenizer.json` describes. */
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
      // Special tokens spelled out in a text are ordinary characters: nothing is split off for them. So it is in the
      // reference, but for open_clip's "<end_of_text>", which there hides whatever follows.
      added_tokens: [],
      ...(replacesNormalizer && { normalizer: null }),
    },
    config,
  );
  return {
    idsOf: (text) => tokenizer.encode(text).ids,
    // The vocabularies of CLIP, which marks the ends of words, and of BERT.
    readsByWord: json.model?.end_of_word_suffix === '</w>' || json.model?.type === 'WordPiece',
  };
}
