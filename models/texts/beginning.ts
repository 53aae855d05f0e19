/** Most combining marks behind one character that are read, as UTF-16 units; no script has more than a few. */
const maxMarks = 256;

/** Where a text may be cut in the middle of a word: between such two, nothing that stands before the cut changes. */
const pair = /(?![&#;])[\p{L}\p{N}\p{P}\p{S}](?![&#;])[\p{L}\p{N}\p{P}\p{S}]/gu;
/** The same where the text has an escape sequence of a terminal, which ends in a letter and is removed as a whole. */
const pairOfLetters = /[\p{L}\p{So}][\p{L}\p{So}]/gu;

/**
 * Cuts runs of combining marks. Unicode sorts a run, and V8 takes 0.4 s for one of 20,000; twice as many take four times
 * as long.
 */
export const boundMarks = (text: string): string =>
  text.replace(/\p{M}+/gu, (marks) => (marks.length > maxMarks ? marks.slice(0, maxMarks).toWellFormed() : marks));

/**
 * Lengths of beginnings of a text, each about four times the one before; the last is the whole text. What a model reads
 * of the text can be made of the first beginning that has more tokens than that. A text is cut before white space, or
 * inside a word too long for that; the tokens of a beginning are those of the text, but for the last few in a cut word.
 * @param shortest in UTF-16 units; a text that is not longer has one beginning.
 */
export function* beginningsOf(text: string, shortest: number): Generator<number> {
  for (let length = shortest; length < text.length; length *= 4) {
    const cut = cutBefore(text, length);
    if (cut > 0) yield cut;
  }
  yield text.length;
}

/** Where to cut in the second half of the first `length` units, or 0. */
function cutBefore(text: string, length: number): number {
  const half = Math.floor(length / 2);
  const space = Math.max(text.lastIndexOf(' ', length), text.lastIndexOf('\n', length), text.lastIndexOf('\t', length));
  if (space > half) return space;
  const pattern = text.includes('\x1b') ? pairOfLetters : pair;
  const last = [...text.slice(half, length).matchAll(pattern)].at(-1);
  if (last === undefined) return 0;
  const [first = ''] = last[0];
  return half + last.index + first.length;
}
