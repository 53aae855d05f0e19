import type { ModelSpec } from '../model.ts';
import type { Algorithm } from './algorithm.ts';
import { beginningsOf, boundMarks } from './beginning.ts';
import { cleaningSteps } from './cleaning.ts';
import { loadSentencePiece } from './sentencepiece.ts';
import { loadTokenizerJson } from './tokenizer-json.ts';

/**
 * At first, only the beginning of a long text is cleaned and tokenized: this number of characters for each token that
 * the model reads. A token usually has several times fewer characters. Tokenizing all 20,000 characters of a text would
 * take 0.2 s if they were one word.
 */
const charactersPerToken = 32;
/**
 * When only the beginning of a long text is tokenized, this number of tokens at its end may differ from those of the
 * whole text, since the cut may be inside a word. WordPiece limits words to 100 characters.
 */
const uncertainTokens = 128;

/** Token ids for the text tower, without padding. */
export interface Tokens {
  /** The ids, special tokens included. There are at most as many as the model reads. */
  ids: number[];
  /** The number of tokens before truncation. Of a very long text, only the tokens of its beginning are counted. */
  total: number;
}

export interface Tokenizer {
  /**
   * Tokenizes a text. A text with more tokens than the model reads is truncated to its first tokens and the end token,
   * as in OpenCLIP and transformers.
   */
  encode(text: string): Tokens;
}

export type TokenizerFacts = Pick<ModelSpec, 'tokenizerPath' | 'tokenizerConfigPath' | 'text'>;

/** Loads the tokenizer of a model with the cleaning of its recipe. */
export async function loadTokenizer(spec: TokenizerFacts): Promise<Tokenizer> {
  const { maxTokens, tokenizer, clean: cleaning } = spec.text;
  const { clean, replacesNormalizer } = cleaningSteps[cleaning];
  const { idsOf, readsByWord }: Algorithm =
    tokenizer.kind === 'sentencepiece'
      ? await loadSentencePiece(spec.tokenizerPath, tokenizer)
      : await loadTokenizerJson(spec.tokenizerPath, spec.tokenizerConfigPath, { replacesNormalizer });
  return {
    encode(whole) {
      const text = boundMarks(whole);
      let ids: number[] = [];
      for (const length of readsByWord ? beginningsOf(text, charactersPerToken * maxTokens) : [text.length]) {
        ids = idsOf(clean(text, length));
        if (ids.length > maxTokens + uncertainTokens) break;
      }
      const end = ids.at(-1);
      if (ids.length <= maxTokens || end === undefined) return { ids, total: ids.length };
      return { ids: [...ids.slice(0, maxTokens - 1), end], total: ids.length };
    },
  };
}
