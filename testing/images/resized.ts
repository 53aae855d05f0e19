import sharp from 'sharp';

const photos = ['chelsea', 'coffee', 'rocket', 'hopper', 'nagasaki', 'alpine'];

/** Returns the example photos as JPEGs of this size. */
export async function photosOf(width: number, height: number): Promise<Buffer[]> {
  return await Promise.all(
    photos.map((name) => {
      const path = new URL(`../../examples/photos/${name}.jpg`, import.meta.url).pathname;
      return sharp(path).resize(width, height, { fit: 'cover' }).jpeg({ quality: 85 }).toBuffer();
    }),
  );
}

/** Photos of 0.3 megapixels, as stated with the figures. */
export const benchPhotos = () => photosOf(640, 480);

/** Returns the n-th photo as a unique file: decoders ignore the number after the end marker. */
export const numbered = (photos: readonly Buffer[], n: number): Buffer =>
  Buffer.concat([photos[n % photos.length] ?? Buffer.alloc(0), Buffer.from(String(n))]);
