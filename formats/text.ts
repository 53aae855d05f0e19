import { isUtf8 } from 'node:buffer';
import { ServiceError } from '../shared/errors.ts';

/**
 * The decoded text of a body. An invalid byte becomes a lone surrogate, which `isWellFormed` detects, so that only its
 * line or row fails.
 */
export interface Text {
  parts: AsyncIterable<string>;
  /** Returns the name of the encoding. It is final after the first text has been read. */
  encoding(): string;
}

/** Python's encoding names that the WHATWG Encoding Standard does not list, with the standard names. */
const aliases: Record<string, string> = {
  'utf-8-sig': 'utf-8',
  'latin-1': 'windows-1252',
  'utf-16-le': 'utf-16le',
  'utf-16-be': 'utf-16be',
  cp932: 'shift_jis',
  cp936: 'gbk',
  cp949: 'euc-kr',
  'mac-roman': 'macintosh',
};

/** Returns the standard name of an encoding, or undefined if it is unsupported. */
export function encodingOf(label: string): string | undefined {
  const name = label.trim().toLowerCase();
  try {
    return new TextDecoder(aliases[name.replaceAll('_', '-')] ?? name).encoding;
  } catch {
    return undefined;
  }
}

/**
 * Returns the encoding that the caller or else the content type names, or undefined.
 * @throws {ServiceError} `request.unsupported_media_type` for an unsupported encoding.
 */
export function declaredEncoding(named: string | undefined, contentType = ''): string | undefined {
  const label = named ?? /;\s*charset\s*=\s*"?([^";]*)/i.exec(contentType)?.[1];
  if (label === undefined) return undefined;
  const encoding = encodingOf(label);
  if (encoding !== undefined) return encoding;
  const message = `The charset ${label.slice(0, 40)} is not supported; use a name of the WHATWG Encoding Standard, such as utf-8 or windows-1252`;
  throw new ServiceError('request.unsupported_media_type', message);
}

const sampleBytes = 1_024;

/**
 * Decodes a body. The encoding is, in order of precedence: that of a byte order mark; a declared one other than UTF-8;
 * UTF-16 if many bytes are zero; UTF-8.
 * @param declared a name that {@link encodingOf} returns.
 * @throws {ServiceError} `request.unsupported_media_type` for UTF-32.
 */
export function decodeText(bytes: AsyncIterable<Buffer>, declared?: string): Text {
  let encoding = declared ?? 'utf-8';
  async function* parts(): AsyncGenerator<string> {
    let decoder: Decoder | undefined;
    let first: Buffer = Buffer.alloc(0);
    let isAtStart = true;
    const withoutMark = (text: string) => {
      if (!isAtStart || text === '') return text;
      isAtStart = false;
      return text.startsWith('\uFEFF') ? text.slice(1) : text;
    };
    for await (const chunk of bytes) {
      if (decoder !== undefined) yield withoutMark(decoder.write(chunk));
      else {
        first = first.length === 0 ? chunk : Buffer.concat([first, chunk]);
        // A byte order mark has at most four bytes.
        if (first.length < 4) continue;
        encoding = guess(first.subarray(0, sampleBytes), declared);
        decoder = decoderOf(encoding);
        yield withoutMark(decoder.write(first));
      }
    }
    if (decoder === undefined) {
      encoding = guess(first, declared);
      decoder = decoderOf(encoding);
      yield withoutMark(decoder.write(first));
    }
    yield withoutMark(decoder.end());
  }
  return { parts: parts(), encoding: () => encoding };
}

/** Decodes a complete body. @throws {ServiceError} `request.unsupported_media_type` for UTF-32. */
export function decodeWhole(bytes: Buffer, declared?: string): { text: string; encoding: string } {
  const encoding = guess(bytes.subarray(0, sampleBytes), declared);
  const decoder = decoderOf(encoding);
  const text = decoder.write(bytes) + decoder.end();
  return { text: text.startsWith('\uFEFF') ? text.slice(1) : text, encoding };
}

const fileAdvice = 'name the encoding of the file, as charset of its content type or with --encoding of vls batch';

export function undecodable(text: string, encoding: string, advice = fileAdvice): string {
  const found = /\p{Surrogate}/u.exec(text);
  const code = found?.[0].charCodeAt(0) ?? 0;
  if (encoding !== 'utf-8') return `some of its bytes are not ${encoding}`;
  const byte = `0x${(code & 0xff).toString(16)}`;
  const at = (found?.index ?? 0) + 1;
  return `the byte ${byte} at character ${at} is not UTF-8; ${advice}`;
}

function guess(sample: Buffer, declared: string | undefined): string {
  if (startsWith(sample, [0xef, 0xbb, 0xbf])) return 'utf-8';
  if (startsWith(sample, [0xff, 0xfe, 0, 0]) || startsWith(sample, [0, 0, 0xfe, 0xff])) {
    throw new ServiceError('request.unsupported_media_type', 'The body is UTF-32, which is not supported; send UTF-8');
  }
  if (startsWith(sample, [0xff, 0xfe])) return 'utf-16le';
  if (startsWith(sample, [0xfe, 0xff])) return 'utf-16be';
  // Many programs declare UTF-8 for any content, so a declared UTF-8 is not trusted.
  const other = declared === 'utf-8' ? undefined : declared;
  return other ?? guessUtf16(sample) ?? 'utf-8';
}

const startsWith = (bytes: Buffer, mark: readonly number[]) => mark.every((byte, at) => bytes[at] === byte);

/**
 * Detects UTF-16 without a byte order mark. Each ASCII character, at least a quarter of any list of items, then has one
 * zero byte, always the same of its two. In UTF-8, only NUL has one.
 */
function guessUtf16(sample: Buffer): string | undefined {
  const zeros = [0, 0];
  for (const [at, byte] of sample.entries()) if (byte === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  const enough = sample.length / 8;
  // A few non-ASCII characters have a zero in the other byte.
  if (odd >= enough && odd > 4 * even) return 'utf-16le';
  return even >= enough && even > 4 * odd ? 'utf-16be' : undefined;
}

interface Decoder {
  write(chunk: Buffer): string;
  /** Ends the decoding. Returns lone surrogates for the bytes of an incomplete character. */
  end(): string;
}

function decoderOf(encoding: string): Decoder {
  if (encoding === 'utf-8') return createUtf8();
  if (encoding === 'utf-16le' || encoding === 'utf-16be') return createUtf16(encoding === 'utf-16be');
  const decoder = new TextDecoder(encoding);
  // The decoder returns U+FFFD for invalid bytes. Valid text in these encodings never contains it (in GB18030 only as
  // four bytes).
  const marked = (text: string) => (text.includes('\uFFFD') ? text.replaceAll('\uFFFD', '\udcff') : text);
  return {
    write: (chunk) => marked(decoder.decode(chunk, { stream: true })),
    end: () => marked(decoder.decode()),
  };
}

function createUtf8(): Decoder {
  let rest: Buffer = Buffer.alloc(0);
  return {
    write(chunk) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const end = bytes.length - cutOff(bytes);
      rest = bytes.subarray(end);
      const whole = bytes.subarray(0, end);
      // `isUtf8` checks 64 KiB in a few microseconds. Only invalid text is decoded byte by byte.
      return isUtf8(whole) ? whole.toString('utf8') : withEscapes(whole);
    },
    end() {
      return withEscapes(rest);
    },
  };
}

function cutOff(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? back : 0;
  }
  return 0;
}

/** Decodes UTF-8. An invalid byte becomes U+DC00 plus its value, as in Python's `surrogateescape`. */
function withEscapes(bytes: Buffer): string {
  let text = '';
  let from = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = lengthAt(bytes, at);
    if (length === 0) {
      text += bytes.toString('utf8', from, at) + String.fromCharCode(0xdc00 + (bytes[at] ?? 0));
      from = at + 1;
    }
    at += Math.max(1, length);
  }
  return text + bytes.toString('utf8', from);
}

/** Returns the length in bytes of the UTF-8 character at an offset, or 0 for an invalid one (Unicode, table 3-7). */
function lengthAt(bytes: Buffer, at: number): number {
  const [first = 0, second = 0] = [bytes[at], bytes[at + 1]];
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const lowest = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const highest = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < lowest || second > highest) return 0;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  for (let next = at + 2; next < at + length; next++) if (((bytes[next] ?? 0) & 0xc0) !== 0x80) return 0;
  return length;
}

function createUtf16(isBigEndian: boolean): Decoder {
  let rest: Buffer = Buffer.alloc(0);
  const toText = (bytes: Buffer) => (isBigEndian ? Buffer.from(bytes).swap16() : bytes).toString('utf16le');
  return {
    write(chunk) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let end = bytes.length - (bytes.length % 2);
      const last = bytes[end - (isBigEndian ? 2 : 1)] ?? 0;
      // The first half of a surrogate pair waits for its second half.
      if (end > 0 && last >= 0xd8 && last <= 0xdb) end -= 2;
      rest = bytes.subarray(end);
      return toText(bytes.subarray(0, end));
    },
    end: () => toText(rest.subarray(0, rest.length - (rest.length % 2))) + (rest.length % 2 === 1 ? '\udcff' : ''),
  };
}
