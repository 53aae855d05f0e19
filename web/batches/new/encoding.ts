/** Common text encodings: the name in the WHATWG Encoding Standard, and the name for users. */
export const encodings: Readonly<Record<string, string>> = {
  'utf-8': 'UTF-8',
  'utf-16le': 'UTF-16',
  'utf-16be': 'UTF-16, big-endian',
  'windows-1252': 'Windows-1252 (western)',
  'windows-1250': 'Windows-1250 (central European)',
  'windows-1251': 'Windows-1251 (Cyrillic)',
  'iso-8859-2': 'ISO-8859-2 (central European)',
  shift_jis: 'Shift_JIS (Japanese)',
  'euc-jp': 'EUC-JP (Japanese)',
  gb18030: 'GB18030 (Chinese)',
  big5: 'Big5 (Chinese)',
  'euc-kr': 'EUC-KR (Korean)',
};

export const nameOfEncoding = (encoding: string): string => encodings[encoding] ?? encoding;

/**
 * Guesses the encoding from the start of a file. Bytes that are neither UTF-16 nor valid UTF-8 count as Windows-1252,
 * which Excel writes in western Europe and America.
 */
export function guessEncoding(head: Uint8Array): string {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  const sample = head.subarray(0, 1_024);
  const zeros = [0, 0];
  for (const [at, byte] of sample.entries()) if (byte === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  // The same rule as in formats/text.ts.
  if (odd >= sample.length / 8 && odd > 4 * even) return 'utf-16le';
  if (even >= sample.length / 8 && even > 4 * odd) return 'utf-16be';
  try {
    // The start of the file may end within a character. With `stream`, this is not an error.
    new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true });
    return 'utf-8';
  } catch {
    return 'windows-1252';
  }
}
