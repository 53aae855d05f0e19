import sharp from 'sharp';

const photos = ['chelsea', 'coffee', 'rocket', 'hopper', 'nagasaki', 'alpine'];

/** The example photos as JPEGs of that size. */
export async function picturesOf(width: number, height: number): Promise<Buffer[]> {
  return await Promise.all(
    photos.map((name) => {
      const path = new URL(`../../examples/photos/${name}.jpg`, import.meta.url).pathname;
      return sharp(path).resize(width, height, { fit: 'cover' }).jpeg({ quality: 85 }).toBuffer();
    }),
  );
}

/** 0.3 megapixels, as the figures have it. */
export const benchPictures = () => picturesOf(640, 480);

/** Returns the n-th file of a picture: decoders do not read past the end marker, so the number makes it another file. */
export const numbered = (pictures: readonly Buffer[], n: number): Buffer =>
  Buffer.concat([pictures[n % pictures.length] ?? Buffer.alloc(0), Buffer.from(String(n))]);
