import { readFile } from 'node:fs/promises';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { type ModelSpec, textCleanings } from '../model.ts';
import { cleanText } from './text-cleaning.ts';

/** Token ids as the text tower takes them. */
export interface Tokens {
  /** Special tokens included, at most the context length. */
  ids: number[];
  /** Tokens of the whole text, before it was cut. */
  total: number;
}

export interface Tokenizer {
  /** A text over the context keeps its first tokens and the end token, as OpenCLIP does. */
  encode(text: string): Tokens;
}

export type TokenizerFacts = Pick<
  ModelSpec,
  'tokenizerPath' | 'tokenizerConfigPath' | 'contextLength' | 'textCleaning'
>;

/** The tokenizer that a model's `tokenizer.json` describes, after the text cleaning of the model. */
export async function loadTokenizer(facts: TokenizerFacts): Promise<Tokenizer> {
  const { tokenizerPath, tokenizerConfigPath, contextLength } = facts;
  const [json, config] = await Promise.all(
    [tokenizerPath, tokenizerConfigPath].map(async (file) => JSON.parse(await readFile(file, 'utf8'))),
  );
  const clip = facts.textCleaning === textCleanings.openclip;
  const tokenizer = new HuggingFaceTokenizer(
    {
      ...json,
      // Special tokens spelled out in a text are ordinary characters: nothing is split off for them. So it is in the
      // reference, but for open_clip's "<end_of_text>", which there hides whatever follows.
      added_tokens: [],
      // The cleaning is the whole normalisation of the reference, which composes accents before it decodes the last
      // entities, and not after.
      ...(clip && { normalizer: null }),
    },
    config,
  );
  return {
    encode(text) {
      const { ids } = tokenizer.encode(clip ? cleanText(text) : text);
      const end = ids.at(-1);
      if (ids.length <= contextLength || end === undefined) return { ids, total: ids.length };
      return { ids: [...ids.slice(0, contextLength - 1), end], total: ids.length };
    },
  };
}
