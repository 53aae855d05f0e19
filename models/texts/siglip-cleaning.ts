/** Python's `string.punctuation`, without full-width or curly marks. */
const punctuation = /[!-/:-@[-`{-~]/g;

/**
 * White space as in Python: with the information separators and the next-line character, without the byte order mark.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: this pattern must match control characters.
const whiteSpace = /(?:[^\S\ufeff]|[\x1c-\x1f\x85])+/g;

/** Returns the text that SigLIP reads. SentencePiece does the NFKC normalisation. */
export const canonical = (text: string): string =>
  text.toLowerCase().replace(punctuation, '').replace(whiteSpace, ' ').replace(/^ | $/g, '');
