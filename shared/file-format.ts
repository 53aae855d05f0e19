/** The first bytes of a file that {@link fileFormat} needs. */
export const formatBytes = 512;

export interface FileFormat {
  /** The common name, e.g. `JPEG XL`. */
  name: string;
  /** True when the service can decode this image format. */
  isDecoded: boolean;
}

/** The decodable formats, for error messages. */
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

/** Brands (after `ftyp`) of ISO media files with AV1 or HEVC still images. */
const heifBrands = /^(avif|avis|mif1|msf1|hei[cxms]|hev[cxms])$/;

const others: readonly (readonly [name: string, test: Test])[] = [
  ['JPEG XL', ['\xff\x0a', '\0\0\0\x0cJXL ']],
  ['JPEG 2000', ['\0\0\0\x0cjP  ', '\xff\x4f\xff\x51']],
  ['BMP', ['BM']],
  // ICO or CUR: reserved bytes, type 1 (icon) or 2 (cursor), at least one image.
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

/** Detects the format of a file. @param bytes the file, or its first {@link formatBytes}. */
export function fileFormat(bytes: Uint8Array): FileFormat | undefined {
  // The page uses this function too, and browsers have no `Buffer`.
  const head = String.fromCharCode(...bytes.subarray(0, formatBytes)).replace(/^\xef\xbb\xbf/, '');
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

/** Returns the error message for bytes that cannot be decoded, with their format if known. */
export function describeNonImage(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'The image is empty (0 bytes)';
  const found = fileFormat(bytes)?.name;
  const supported = `supported formats: ${decodedFormats}`;
  return `Found ${found ?? 'no known format'}; ${supported}`;
}
