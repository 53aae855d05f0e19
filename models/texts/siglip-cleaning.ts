/** Python's `string.punctuation`, which has no full-width or curly marks. */
const punctuation = /[!-/:-@[-`{-~]/g;

/** White space as Python defines it: with information separators and next line, without the byte order mark. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this looks for.
const whiteSpace = /(?:[^\S\ufeff]|[\x1c-\x1f\x85])+/g;

/**
 * Returns the text that SigLIP reads: lower case, no ASCII punctuation, white space collapsed. SentencePiece applies
 * NFKC.
 */
export const canonical = (text: string): string =>
  text.toLowerCase().replace(punctuation, '').replace(whiteSpace, ' ').replace(/^ | $/g, '');
