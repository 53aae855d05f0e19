import type { ModelSpec } from '../model.ts';
import type { Algorithm } from './algorithm.ts';
import { beginningsOf, boundMarks } from './beginning.ts';
import { cleaningSteps } from './cleaning.ts';
import { loadSentencePiece } from './sentencepiece.ts';
import { loadTokenizerJson } from './tokenizer-json.ts';

/**
 * Of a long text, this many characters per token of the model are tokenized first. Tokens are usually far shorter. A
 * single word of 20,000 characters would take 0.2 s.
 */
const charactersPerToken = 32;
/**
 * The number of last tokens that may differ when a beginning ends within a word. WordPiece limits words to 100
 * characters.
 */
const uncertainTokens = 128;

/** Token ids for the text encoder, without padding. */
export interface Tokens {
  /** Special tokens are included. There are at most as many as the model reads. */
  ids: number[];
  /** The number of tokens before truncation. Of a very long text, only a beginning is counted. */
  total: number;
}

export interface Tokenizer {
  /** Of a text that is too long, the first tokens and the end token remain, as in OpenCLIP and transformers. */
  encode(text: string): Tokens;
}

export type TokenizerFacts = Pick<ModelSpec, 'tokenizerPath' | 'tokenizerConfigPath' | 'text'>;

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
