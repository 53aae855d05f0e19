import type { ModelSpec } from '../model.ts';
import type { Algorithm } from './algorithm.ts';
import { beginningsOf, boundMarks } from './beginning.ts';
import { cleaningSteps } from './cleaning.ts';
import { loadSentencePiece } from './sentencepiece.ts';
import { loadTokenizerJson } from './tokenizer-json.ts';

/**
 * The number of characters that are first cleaned and tokenized for each token that the model reads, several times the
 * usual number. Tokenizing all of 20,000 characters would take 0.2 s if they are one word.
 */
const charactersPerToken = 32;
/**
 * The number of last tokens that may differ when only a part of a long text is tokenized, since the cut may be inside a
 * word. WordPiece limits words to 100 characters.
 */
const uncertainTokens = 128;

/** Token ids for the text tower, without padding. */
export interface Tokens {
  /** Special tokens included, at most as many as the model reads. */
  ids: number[];
  /** Number of tokens before truncation. Only part of a very long text is counted. */
  total: number;
}

export interface Tokenizer {
  /**
   * Tokenizes a text. A longer text is truncated to its first tokens and the end token, as in OpenCLIP and
   * transformers.
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
