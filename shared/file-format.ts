/** The number of bytes at the start of a file that {@link fileFormat} needs to detect the format. */
export const formatBytes = 512;

export interface FileFormat {
  /** The common name, e.g. `JPEG XL`. */
  name: string;
  /** True when the service can decode images of this format. */
  isDecoded: boolean;
}

/** The names of the formats that the service can decode, for error messages. */
export const decodedFormats = 'JPEG, PNG, WebP, GIF, AVIF and TIFF';

type Test = readonly string[] | RegExp | ((head: string) => boolean);

const decoded: readonly (readonly [name: string, test: Test])[] = [
  ['JPEG', ['\xff\xd8\xff']],
  ['PNG', ['\x89PNG\r\n\x1a\n']],
  ['GIF', /^GIF8[79]a/],
  ['WebP', (head) => head.startsWith('RIFF') && head.startsWith('WEBP', 8)],
  // Classic TIFF and BigTIFF, in either byte order.
  ['TIFF', ['II*\0', 'II+\0', 'MM\0*', 'MM\0+']],
];

/** The brands of ISO media files that contain still images, encoded as AV1 or HEVC. A brand follows `ftyp`. */
const heifBrands = /^(avif|avis|mif1|msf1|hei[cxms]|hev[cxms])$/;

const others: readonly (readonly [name: string, test: Test])[] = [
  ['JPEG XL', ['\xff\x0a', '\0\0\0\x0cJXL ']],
  ['JPEG 2000', ['\0\0\0\x0cjP  ', '\xff\x4f\xff\x51']],
  ['BMP', ['BM']],
  // The header of an ICO or CUR file: reserved bytes, type 1 (icon) or 2 (cursor), at least one image.
  ['Windows icon', (head) => /^(\0\0[^\0]\0[^\0]\0)/.test(head) && head.charCodeAt(2) <= 2],
  ['macOS icon', ['icns']],
  ['Photoshop', ['8BPS']],
  ['DDS', ['DDS ']],
  ['Netpbm', /^P[1-7]\s/],
  ['PDF', ['%PDF-']],
  ['PostScript', ['%!PS']],
  ['ZIP', ['PK\x03\x04']],
  ['gzip', ['\x1f\x8b']],
  ['WebM', ['\x1a\x45\xdf\xa3']],
  ['SVG', /^\s*(<\?xml[^>]*>\s*)?(<!--[^>]*-->\s*)*(<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]/i],
  ['HTML', /^\s*(<!--[^>]*-->\s*)*<(!DOCTYPE html|html|head|body)[\s>]/i],
  ['XML', /^\s*<\?xml\s/],
  ['a Git LFS pointer', ['version https://git-lfs.github.com/']],
  ['JSON', /^\s*[{[]\s*(["\]}{[]|\d|$)/],
];

/**
 * Detects the format of a file from its first bytes.
 * @param bytes the file, or its first {@link formatBytes}.
 */
export function fileFormat(bytes: Uint8Array): FileFormat | undefined {
  const start = bytes.subarray(0, formatBytes);
  const head = Buffer.from(start.buffer, start.byteOffset, start.length)
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '');
  const passes = (test: Test) =>
    test instanceof RegExp
      ? test.test(head)
      : typeof test === 'function'
        ? test(head)
        : test.some((prefix) => head.startsWith(prefix));
  for (const [name, test] of decoded) if (passes(test)) return { name, isDecoded: true };
  if (head.startsWith('ftyp', 4)) {
    const brand = head.slice(8, 12);
    return heifBrands.test(brand)
      ? { name: /^avi/.test(brand) ? 'AVIF' : 'HEIF', isDecoded: true }
      : { name: 'MP4 or QuickTime video', isDecoded: false };
  }
  for (const [name, test] of others) if (passes(test)) return { name, isDecoded: false };
  return undefined;
}

/**
 * Returns the error message for bytes that the service cannot decode as an image. The message names the format of the
 * bytes if it can be detected.
 */
export function describeNonImage(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'The image is empty (0 bytes)';
  const found = fileFormat(bytes)?.name;
  const supported = `supported formats: ${decodedFormats}`;
  return found === undefined
    ? `The bytes are not an image of a known format; ${supported}`
    : `Found ${found}; ${supported}`;
}
