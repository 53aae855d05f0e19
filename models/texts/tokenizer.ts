import { readFile } from 'node:fs/promises';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import type { ModelSpec } from '../model.ts';
import { beginningsOf, boundMarks } from './beginning.ts';
import { cleaningSteps } from './cleaning.ts';

/**
 * As much of a text is cleaned and tokenized at first, for each token that the model reads: several times what text has.
 * All of 20,000 characters would take 0.2 s where they are one word.
 */
const charactersPerToken = 32;
/**
 * So many tokens at the end of a beginning may not be those of the whole text: they are of a word that is cut. WordPiece
 * knows no word of more than 100 characters.
 */
const uncertainTokens = 128;

/** Token ids as the text tower takes them. */
export interface Tokens {
  /** Special tokens included, at most the context length. */
  ids: number[];
  /** Tokens of the text before it was cut; of a very long one, those that were looked at. */
  total: number;
}

export interface Tokenizer {
  /** A text over the context keeps its first tokens and the end token, as OpenCLIP does. */
  encode(text: string): Tokens;
}

/** The tokenizer that a model's `tokenizer.json` describes, after the cleaning of its recipe. */
export async function loadTokenizer(
  spec: Pick<ModelSpec, 'tokenizerPath' | 'tokenizerConfigPath' | 'text'>,
): Promise<Tokenizer> {
  const { tokenizerPath, tokenizerConfigPath } = spec;
  const { maxTokens } = spec.text;
  const [json, config] = await Promise.all(
    [tokenizerPath, tokenizerConfigPath].map(async (file) => JSON.parse(await readFile(file, 'utf8'))),
  );
  const { clean, replacesNormalizer } = cleaningSteps[spec.text.clean];
  // The vocabularies of CLIP, which marks the ends of words, and of BERT: neither has a token beyond a word.
  const readsByWord = json.model?.end_of_word_suffix === '</w>' || json.model?.type === 'WordPiece';
  const tokenizer = new HuggingFaceTokenizer(
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
    encode(whole) {
      const text = boundMarks(whole);
      let ids: number[] = [];
      for (const length of readsByWord ? beginningsOf(text, charactersPerToken * maxTokens) : [text.length]) {
        ids = tokenizer.encode(clean(text, length)).ids;
        if (ids.length > maxTokens + uncertainTokens) break;
      }
      const end = ids.at(-1);
      if (ids.length <= maxTokens || end === undefined) return { ids, total: ids.length };
      return { ids: [...ids.slice(0, maxTokens - 1), end], total: ids.length };
    },
  };
}
