import sharp from 'sharp';

const photos = ['chelsea', 'coffee', 'rocket', 'hopper', 'nagasaki', 'alpine'];

export async function photosOf(width: number, height: number): Promise<Buffer[]> {
  return await Promise.all(
    photos.map((name) => {
      const path = new URL(`../../examples/photos/${name}.jpg`, import.meta.url).pathname;
      return sharp(path).resize(width, height, { fit: 'cover' }).jpeg({ quality: 85 }).toBuffer();
    }),
  );
}

/** Returns photos of 0.3 megapixels, the size on which published figures are based. */
export const benchPhotos = () => photosOf(640, 480);

/** Returns a photo as the n-th file, with unique bytes: decoders ignore a number after the end marker of a JPEG. */
export const numbered = (photos: readonly Buffer[], n: number): Buffer =>
  Buffer.concat([photos[n % photos.length] ?? Buffer.alloc(0), Buffer.from(String(n))]);
