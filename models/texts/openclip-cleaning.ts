import { decodeHTML, decodeHTMLStrict } from 'entities';
import { canonical } from './siglip-cleaning.ts';

/**
 * Cleans a text like `_clean_lower` of open_clip 3.3: `ftfy.fix_text`, `html.unescape` twice, collapsing of white
 * space, lower case. All steps of ftfy 6.3 are here, in its order, except the repair of mojibake ("cafÃ©" for "café").
 * The duration depends only on the length of a text.
 * @param length the length of the beginning to clean, in UTF-16 units. It is cleaned as part of the whole text.
 */
export const cleanLikeOpenClip = (text: string, length = text.length): string =>
  repairLikeOpenClip(text, length).toLowerCase();

/**
 * Cleans a text like `_clean_whitespace` of open_clip, which keeps upper case. Used for vocabularies other than that of
 * CLIP.
 */
export function repairLikeOpenClip(text: string, length = text.length): string {
  const beginning = text.slice(0, length);
  const repaired = plainAscii.test(beginning) ? beginning : unescapeHtml(unescapeHtml(repair(text, length)));
  return collapseWhiteSpace(repaired);
}

/**
 * Cleans a text like `_clean_canonicalize` of open_clip, for SigLIP 1 and SigLIP 2: repairs, then removal of
 * punctuation and lower case.
 */
export const canonicalLikeOpenClip = (text: string, length = text.length): string =>
  canonical(repairLikeOpenClip(text, length).replaceAll('_', ' '));

/** Printable ASCII without "&", and white space, needs no repair. Nearly all captions match. */
const plainAscii = /^[\t\n\f\r -%'-~]*$/;

/**
 * Does the same as `ftfy.fix_text`, except for mojibake. ftfy treats the text from the first "<" on as HTML, so
 * entities are decoded only in the lines before it.
 */
function repair(text: string, length: number): string {
  const html = text.indexOf('<');
  const htmlLine = html === -1 ? length : Math.min(length, text.lastIndexOf('\n', html) + 1);
  return repairLines(text.slice(0, htmlLine), true) + repairLines(text.slice(htmlLine, length), false);
}

const repairLines = (text: string, entities: boolean) =>
  text.replace(/[^\n]*\n|[^\n]+$/g, (line) => repairLine(line, entities));

/**
 * Repeats the steps until nothing changes, because a decoded entity may be a ligature or another entity. After {@link
 * passes} rounds, a single pass decodes all nested entities ("&amp;amp;amp;"), whose depth may grow with the text.
 */
function repairLine(line: string, entities: boolean): string {
  for (let before = line, pass = 1; ; pass++) {
    let after = !entities ? before : pass <= passes ? unescapeUnambiguousHtml(before) : unescapeNestedHtml(before);
    after = replaceC1Controls(after);
    after = splitLatinLigatures(after);
    after = unifyCharacterWidth(after);
    after = straightenQuotes(after);
    // `collapseWhiteSpace` later unifies line breaks and ideographic spaces, which ftfy does here.
    after = after.toWellFormed();
    after = removeTerminalEscapes(after);
    after = removeControlCharacters(after);
    after = after.normalize('NFC');
    if (after === before) return after;
    before = after;
  }
}

/** The number of rounds that decode one level of entities each, as in ftfy. */
const passes = 16;

/**
 * The characters of the bytes 0x80 to 0x9f in Windows-1252. Five of these bytes are undefined there and stay unchanged.
 */
const windows1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

const replaceC1Controls = (text: string): string =>
  text.replace(/[\x80-\x9f]/g, (char) => windows1252.charAt(char.charCodeAt(0) - 0x80));

/**
 * Splits typographic ligatures and digraphs of old encodings, but not the letters "æ" and "œ". NFKC would turn "ﬅ" into
 * "st".
 */
const splitLatinLigatures = (text: string): string =>
  text.replace(/[\u0132\u0133\u0149\u01c4-\u01cc\u01f1-\u01f3\ufb00-\ufb06]/g, (char) =>
    char === '\ufb05' ? 'ſt' : char.normalize('NFKC'),
  );

/** Converts full-width letters and half-width Katakana and Hangul to their usual width. */
const unifyCharacterWidth = (text: string): string =>
  text.replace(/[\uff01-\uffef]/g, (char) => char.normalize('NFKC'));

const straightenQuotes = (text: string): string =>
  text.replace(/[\u201c-\u201f]/g, '"').replace(/[\u02bc\u2018-\u201b]/g, "'");

// biome-ignore lint/suspicious/noControlCharactersInRegex: this pattern must match control characters.
const terminalEscape = /\x1b\[[\p{Nd};]*[a-zA-Z]/gu;

const removeTerminalEscapes = (text: string): string => text.replace(terminalEscape, '');

// biome-ignore lint/suspicious/noControlCharactersInRegex: this pattern must match control characters.
const controlCharacter = /[\0-\x08\x0b\x0e-\x1f\x7f\u206a-\u206f\ufeff\ufff9-\ufffc]/g;

/** Keeps joiners, direction marks and emoji tags, which have a visible effect. */
const removeControlCharacters = (text: string): string => text.replace(controlCharacter, '');

/** As in Python, the byte order mark is not white space. */
const collapseWhiteSpace = (text: string): string => text.replace(/[^\S\ufeff]+/g, ' ').replace(/^ | $/g, '');

/**
 * Does the same as `ftfy.fixes.unescape_html`: decodes entities with a semicolon, including names in upper case
 * ("&EACUTE;").
 */
const unescapeUnambiguousHtml = (text: string): string => text.replace(/&#?[0-9A-Za-z]{1,24};/g, decodeEntity);

function decodeEntity(entity: string): string {
  if (!entity.startsWith('&#')) return decodeName(entity);
  const decoded = unescapeHtml(entity);
  return decoded.includes(';') ? entity : decoded;
}

/** The length of the longest entity: `&#`, 24 letters or digits, `;`. */
const entityLength = 27;
const endsInEntity = /&#?[0-9A-Za-z]{1,24};$/;

/**
 * Decodes nested entities in a single pass: a decoded entity is read again with the text before it. Entities never
 * overlap, so their order does not matter.
 */
function unescapeNestedHtml(text: string): string {
  const read: string[] = [];
  const unread = [...text].reverse();
  for (let char = unread.pop(); char !== undefined; char = unread.pop()) {
    read.push(char);
    if (char !== ';') continue;
    const [entity] = endsInEntity.exec(read.slice(-entityLength).join('')) ?? [''];
    const decoded = entity === '' ? '' : decodeEntity(entity);
    if (decoded === entity) continue;
    read.length -= entity.length;
    unread.push(...[...decoded].reverse());
  }
  return read.join('');
}

function decodeName(entity: string): string {
  const decoded = decodeHTMLStrict(entity);
  // "&EACUTE;" is decoded to "É". "&GTDOT;" is not decoded to "⋗", since it starts with another entity, "&GT".
  if (decoded !== entity || entity !== entity.toUpperCase() || decodeHTML(entity) !== entity) return decoded;
  const small = entity.toLowerCase();
  const character = decodeHTMLStrict(small);
  return character === small ? entity : character.toUpperCase();
}

/** Does the same as Python's `html.unescape`: decodes entities as a browser does, but removes invalid code points. */
const unescapeHtml = (text: string): string =>
  text.replace(/&(?:#(?:([0-9]+)|[xX]([0-9a-fA-F]+));?|[^\t\n\f <&#;]{1,32};?)/gu, (entity, decimal, hex) => {
    if (decimal !== undefined) return characterOf(Number.parseInt(decimal, 10));
    if (hex !== undefined) return characterOf(Number.parseInt(hex, 16));
    return decodeHTML(entity);
  });

function characterOf(code: number): string {
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return '\ufffd';
  if (code >= 0x80 && code <= 0x9f) return windows1252.charAt(code - 0x80);
  const nothing =
    code <= 0x08 ||
    code === 0x0b ||
    (code >= 0x0e && code <= 0x1f) ||
    code === 0x7f ||
    (code >= 0xfdd0 && code <= 0xfdef) ||
    (code & 0xfffe) === 0xfffe;
  return nothing ? '' : String.fromCodePoint(code);
}
