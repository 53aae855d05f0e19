/** The word in place of an image that the page cannot load, and its tooltip. */
export const withoutAddress = {
  word: 'no web address',
  reason: 'The page shows only images with an http(s) address. This one was sent as a file or as bytes, or is missing.',
};

/** Returns the sentence about images that cannot be shown; undefined if all have an address. */
export function missingImagesWords(images: readonly (string | null | undefined)[]): string | undefined {
  const missing = images.filter((image) => image === null || image === undefined).length;
  if (missing === 0) return undefined;
  return missing === images.length
    ? 'These images have no web address, so the page cannot show them.'
    : 'The page cannot show images without a web address.';
}

const remedy =
  'To judge them here, serve their folder over HTTP, allow its host with IMAGE_HOSTS_ALLOW if the host is private, and post a batch with the addresses.';

/** Returns the warning before pairs are judged whose images cannot be shown; undefined if all have an address. */
export function judgedBlindWords(images: readonly (string | null | undefined)[]): string | undefined {
  if (missingImagesWords(images) === undefined) return undefined;
  const isAll = images.every((image) => image === null || image === undefined);
  const which = isAll ? 'The images' : 'Some images';
  return `${which} of this batch have no web address, so the page cannot show them. ${remedy}`;
}
