/** Matches the characters of Python's `string.punctuation`, which has no full-width or curly marks. */
const punctuation = /[!-/:-@[-`{-~]/g;

/**
 * Matches white space as Python defines it: including the information separators and the next-line character, but not
 * the byte order mark.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: this pattern must match control characters.
const whiteSpace = /(?:[^\S\ufeff]|[\x1c-\x1f\x85])+/g;

/**
 * Returns the text that SigLIP reads: in lower case, without ASCII punctuation, and with each run of white space as one
 * space. NFKC normalisation is left to SentencePiece.
 */
export const canonical = (text: string): string =>
  text.toLowerCase().replace(punctuation, '').replace(whiteSpace, ' ').replace(/^ | $/g, '');
