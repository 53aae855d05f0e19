import type { ModelSpec } from '../model.ts';
import type { Algorithm } from './algorithm.ts';
import { beginningsOf, boundMarks } from './beginning.ts';
import { cleaningSteps } from './cleaning.ts';
import { loadSentencePiece } from './sentencepiece.ts';
import { loadTokenizerJson } from './tokenizer-json.ts';

/**
 * Characters that are cleaned and tokenized at first, for each token that the model reads: several times what text has.
 * All of 20,000 characters would take 0.2 s where they are one word.
 */
const charactersPerToken = 32;
/**
 * The last tokens of a beginning may not be those of the whole text: they belong to a word that is cut. WordPiece knows
 * no word of more than 100 characters.
 */
const uncertainTokens = 128;

/** Token ids as the text tower takes them, without padding. */
export interface Tokens {
  /** Special tokens included, at most as many as the model reads. */
  ids: number[];
  /** Tokens of the text before it was cut; of a very long one, those that were looked at. */
  total: number;
}

export interface Tokenizer {
  /** A text over the limit keeps its first tokens and the end token, as OpenCLIP and transformers do it. */
  encode(text: string): Tokens;
}

export type TokenizerFacts = Pick<ModelSpec, 'tokenizerPath' | 'tokenizerConfigPath' | 'text'>;

/** The tokenizer of a model, after the cleaning of its recipe. */
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
