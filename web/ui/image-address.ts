/** The fields of an item that say where its image is. */
export interface ItemImage {
  index: number;
  /** The http(s) address. */
  image?: string | null | undefined;
  /** True if the batch has the bytes of the image. */
  imageStored?: true | undefined;
  /** The error of a failed item. */
  error?: { code: string } | undefined;
}

/** Returns the address from which the page loads the image of an item of a batch; null if it has none. */
export function imageOf(batch: string, { index, image, imageStored, error }: ItemImage): string | null {
  // A browser draws an image that ends early as an empty box, without an error.
  if (error?.code === 'image.corrupt') return null;
  return image ?? (imageStored ? `v1/evaluation/batch/${encodeURIComponent(batch)}/images/${index}` : null);
}

/** Returns true for an image that the service has stored, so that no other host sees the browser. */
export const isStored = (address: string): boolean => address.startsWith('v1/');

/** The word in place of an image that the page cannot load, and its tooltip. */
export const withoutAddress = {
  word: 'no image',
  reason:
    'The page shows images with an http(s) address, and images that were sent as bytes. This one is a file of the service, or could not be read.',
};

/** Returns the sentence about images that cannot be shown; undefined if all can be loaded. */
export function missingImagesWords(images: readonly (string | null | undefined)[]): string | undefined {
  const missing = images.filter((image) => image === null || image === undefined).length;
  if (missing === 0) return undefined;
  return missing === images.length
    ? 'These images have no web address and were not sent as bytes, so the page cannot show them.'
    : 'The page cannot show images that have no web address and were not sent as bytes.';
}

/** Returns the warning before pairs are judged whose images cannot be shown; undefined if all can be loaded. */
export function judgedBlindWords(images: readonly (string | null | undefined)[]): string | undefined {
  if (missingImagesWords(images) === undefined) return undefined;
  const isAll = images.every((image) => image === null || image === undefined);
  const which = isAll ? 'The images' : 'Some images';
  return `${which} of this batch have no web address and were not sent as bytes, so the page cannot show them. To judge them here, post them with vls batch, which sends local files, or with http(s) addresses.`;
}
