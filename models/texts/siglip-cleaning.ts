/** Python's `string.punctuation`. Full-width and curly marks are not part of it. */
const punctuation = /[!-/:-@[-`{-~]/g;

/** White space as Python has it: separators of information and the next line are, the byte order mark is not. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this looks for.
const whiteSpace = /(?:[^\S\ufeff]|[\x1c-\x1f\x85])+/g;

/** The text that SigLIP reads: lower case, no ASCII punctuation, white space collapsed. SentencePiece applies NFKC. */
export const canonical = (text: string): string =>
  text.toLowerCase().replace(punctuation, '').replace(whiteSpace, ' ').replace(/^ | $/g, '');
