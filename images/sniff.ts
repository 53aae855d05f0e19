/** Bytes that are needed to tell. */
export const sniffedBytes = 12;

/** Brands of the HEIF family, AVIF among them; other files of this container are films. */
const heifBrands = new Set(['avif', 'avis', 'mif1', 'msf1', 'heic', 'heix', 'heim', 'heis', 'hevc', 'hevx']);

/**
 * Whether bytes begin like one of the formats that are decoded, whatever their sender calls them: JPEG, PNG, GIF, WebP,
 * TIFF, AVIF/HEIF. A film or a page is then given up after its first bytes; whether a picture is whole, the decoder says.
 */
export function beginsLikeImage(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.subarray(0, sniffedBytes)).toString('latin1');
  return (
    head.startsWith('\xff\xd8\xff') ||
    head.startsWith('\x89PNG\r\n\x1a\n') ||
    head.startsWith('GIF87a') ||
    head.startsWith('GIF89a') ||
    (head.startsWith('RIFF') && head.startsWith('WEBP', 8)) ||
    // Classic and big TIFF, in either order of bytes.
    /^(II[*+]\0|MM\0[*+])/.test(head) ||
    (head.startsWith('ftyp', 4) && heifBrands.has(head.slice(8, 12)))
  );
}
