import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadTowers, type Towers } from '../../../../models/encoder/towers.ts';
import { crop } from '../../../../models/pixels/preprocess.ts';
import { clipPixels, specOf, tinyClipFolder } from '../../../../testing/model-folders.ts';
import embeddings from '../../../golden/formats/embeddings.json' with { type: 'json' };
import expected from '../../../golden/formats/expected.json' with { type: 'json' };

const read = (file: string) => readFileSync(new URL(`../../../golden/formats/${file}`, import.meta.url));
const exact = (file: string) => crop(read(file), { recipe: clipPixels, maxPixels: 1_000_000, mode: 'exact' });
const shaOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Refused here, with the reason; Pillow decodes some of them. */
const refused: Record<string, readonly [code: string, message: string]> = {
  'cases/heic-hevc.heic': ['image.unsupported_format', 'HEIC (HEVC) is not supported; convert the image to JPEG'],
  'cases/png-idat-bad-crc.png': ['image.corrupt', "The checksum of the PNG's IDAT data is wrong"],
  'cases/tif-lab.tif': ['image.unsupported_format', 'TIFF with CIELab colours'],
  'cases/tif-ycbcr-lzw.tif': ['image.unsupported_format', 'TIFF with YCbCr colours outside JPEG compression'],
  'cases/tif-zstd.tif': ['image.unsupported_format', 'TIFF with Zstandard compression'],
  'made/tif-cielab.tif': ['image.unsupported_format', 'TIFF with CIELab colours'],
  'made/tif-ycbcr.tif': ['image.unsupported_format', 'TIFF with YCbCr colours outside JPEG compression'],
  'made/tif-lzma.tif': ['image.unsupported_format', 'TIFF with LZMA compression'],
  'made/tif-zstd.tif': ['image.unsupported_format', 'TIFF with Zstandard compression'],
  'made/tif-jpeg2000.tif': ['image.unsupported_format', 'TIFF with JPEG 2000 compression'],
  'made/tif-jpegxl.tif': ['image.unsupported_format', 'TIFF with JPEG XL compression'],
};
/** Pillow clips 16-bit grey to white; the upper 8 bits are the image that was stored. */
const upperBits = ['cases/png-grey16.png'];
/** libheif and Pillow's libavif enlarge the colour planes of 4:2:0 in different ways. */
const otherChroma = (file: string) => /\/avif-(?!grey)/.test(file);

const files = Object.entries(expected as Record<string, { crop_sha256?: string }>).map(
  ([file, { crop_sha256: sha }]) => ({
    file,
    sha,
  }),
);

test.each(files.filter(({ file }) => !(file in refused) && !upperBits.includes(file) && !otherChroma(file)))(
  '$file has the very bytes of the reference',
  async ({ file, sha }) => {
    expect(shaOf(await exact(file))).toBe(sha);
  },
);

test.each(Object.entries(refused).map(([file, [code, message]]) => ({ file, code, message })))(
  '$file is refused: $message',
  async ({ file, code, message }) => {
    await expect(exact(file)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  },
);

test('grey of 16 bits keeps its upper 8', async () => {
  const values = await exact('cases/png-grey16.png');
  expect(new Set(values).size).toBeGreaterThan(100);
});

describe('AVIF', () => {
  let towers: Towers;
  beforeAll(async () => {
    towers = await loadTowers(await specOf(tinyClipFolder), 1);
  });

  test.each(['avif-animated-avis.avif', 'avif-irot.avif'] as const)(
    '%s is the image of the reference',
    async (file) => {
      const [embedding = new Float32Array()] = await towers.images([await exact(`cases/${file}`)]);
      const cosine = embeddings[file].reduce((sum, value, at) => sum + value * (embedding[at] ?? Number.NaN), 0);
      // Measured: 0.9995 and 0.9994. The decoders differ by 1.8 steps of 255 on average.
      expect(cosine).toBeGreaterThan(0.999);
    },
  );

  test.each(files.filter(({ file }) => /made\/avif/.test(file) && otherChroma(file)))(
    '$file shows the photo as it is stored',
    async ({ file }) => {
      const [values, photo] = [await exact(file), await exact('made/tif-deflate.tif')];
      const distance = values.reduce((sum, value, at) => sum + Math.abs(value - (photo[at] ?? 0)), 0) / values.length;
      expect(distance).toBeLessThan(6);
    },
  );
});
