/** The maximum length of a run of combining marks in UTF-16 units. No script uses more than a few. */
const maxMarks = 256;

/** Two characters between which a text may be cut without a change of the cleaned first part. */
const pair = /(?![&#;])[\p{L}\p{N}\p{P}\p{S}](?![&#;])[\p{L}\p{N}\p{P}\p{S}]/gu;
/**
 * Like `pair`, for a text with terminal escape sequences. A sequence ends at its first letter, so a cut between two
 * letters is never within one.
 */
const pairOfLetters = /[\p{L}\p{So}][\p{L}\p{So}]/gu;

/**
 * Truncates runs of combining marks. Unicode normalisation sorts a run with quadratic cost: V8 takes 0.4 s for 20,000
 * marks.
 */
export const boundMarks = (text: string): string =>
  text.replace(/\p{M}+/gu, (marks) => (marks.length > maxMarks ? marks.slice(0, maxMarks).toWellFormed() : marks));

/**
 * Yields the lengths of beginnings of a text, each about four times as long as the previous one. The caller stops when
 * a beginning has more tokens than the model reads. A beginning ends before white space, or within a word that is too
 * long; only then do its last few tokens differ from those of the whole text.
 * @param shortest the maximum length of the first beginning, in UTF-16 units.
 */
export function* beginningsOf(text: string, shortest: number): Generator<number> {
  for (let length = shortest; length < text.length; length *= 4) {
    const cut = cutBefore(text, length);
    if (cut > 0) yield cut;
  }
  yield text.length;
}

/** Returns a cut in the second half of the first `length` units, or 0. */
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
