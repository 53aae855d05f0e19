import type { ModelSpec } from '../model.ts';
import type { Algorithm } from './algorithm.ts';
import { beginningsOf, boundMarks } from './beginning.ts';
import { cleaningSteps } from './cleaning.ts';
import { loadSentencePiece } from './sentencepiece.ts';
import { loadTokenizerJson } from './tokenizer-json.ts';

/**
 * The number of characters per token of the model that are cleaned and tokenized first, for a long text. A token
 * usually has far fewer characters. Tokenizing a text of 20,000 characters would take 0.2 s if it were a single word.
 */
const charactersPerToken = 32;
/**
 * The number of last tokens of a tokenized beginning that may differ from those of the whole text, because the
 * beginning may end within a word. WordPiece limits words to 100 characters.
 */
const uncertainTokens = 128;

/** Token ids for the text tower, without padding. */
export interface Tokens {
  /** The ids, special tokens included. There are at most as many as the model reads. */
  ids: number[];
  /** The number of tokens before truncation. Of a very long text, only the tokens of a beginning are counted. */
  total: number;
}

export interface Tokenizer {
  /**
   * Tokenizes a text. If the text has more tokens than the model reads, only its first tokens and the end token remain,
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
