import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ImageRecipe } from '../../../../models/model.ts';
import { crop } from '../../../../models/pixels/preprocess.ts';
import expected from '../../../golden/recipes/expected.json' with { type: 'json' };

const read = (file: string) => readFileSync(new URL(`../../../golden/formats/${file}`, import.meta.url));

/** Refused here, though Pillow decodes them; and images that differ for reasons of their decoder: formats.test.ts. */
const isOther = (file: string) =>
  /tif-(cielab|ycbcr|lzma|zstd|jpeg2000|jpegxl|lab|ycbcr-lzw)|png-grey16|png-idat-bad-crc|avif-(?!grey)/.test(file);

describe.each(Object.entries(expected))('%s', (named, images: Record<string, string>) => {
  const [resize, filter, rgb] = named.split(' ') as [ImageRecipe['resize'], ImageRecipe['filter'], ImageRecipe['rgb']];
  const recipe = { size: 224, resize, filter, rgb };

  test.each(Object.entries(images).filter(([file]) => !isOther(file)))(
    '%s has the bytes of Pillow',
    async (file, sha) => {
      const bytes = await crop(read(file), { recipe, maxPixels: 1_000_000, mode: 'exact' });
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha);
    },
  );
});
