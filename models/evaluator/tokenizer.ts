import { readFile } from 'node:fs/promises';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';

/** Token ids as the text tower takes them. */
export interface Tokens {
  /** Special tokens included, at most the context length. */
  ids: number[];
  /** Tokens of the whole text, before it was cut. */
  total: number;
}

export interface Tokenizer {
  encode(text: string): Tokens;
}

/**
 * The tokenizer that a model's `tokenizer.json` describes. A text over the context keeps its first tokens and the
 * end token, as OpenCLIP does.
 * @param contextLength most tokens, special ones included.
 */
export async function loadTokenizer(path: string, configPath: string, contextLength: number): Promise<Tokenizer> {
  const [json, config] = await Promise.all(
    [path, configPath].map(async (file) => JSON.parse(await readFile(file, 'utf8'))),
  );
  // Special tokens spelled out in a text are ordinary characters, as in the reference: nothing is split off for them.
  const tokenizer = new HuggingFaceTokenizer({ ...json, added_tokens: [] }, config);
  return {
    encode(text) {
      const { ids } = tokenizer.encode(text);
      const end = ids.at(-1);
      if (ids.length <= contextLength || end === undefined) return { ids, total: ids.length };
      return { ids: [...ids.slice(0, contextLength - 1), end], total: ids.length };
    },
  };
}
