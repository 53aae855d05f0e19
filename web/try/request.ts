/** A file to upload, or a URL that the service downloads. */
export type PickedImage = { file: File } | { url: string };

export interface ScoreRequest {
  image: PickedImage;
  texts: string[];
  /** Empty for the default model. */
  model: string;
}

/** Returns the captions in the text field, one per line. */
export const captionsOf = (written: string): string[] =>
  written
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** Returns true when the form still has the values of a request. */
export const isSameRequest = (
  request: ScoreRequest,
  { image, texts, model }: Omit<ScoreRequest, 'image'> & { image: PickedImage | undefined },
): boolean =>
  image !== undefined &&
  isSameImage(request.image, image) &&
  request.model === model &&
  request.texts.join('\n') === texts.join('\n');

const isSameImage = (one: PickedImage, other: PickedImage): boolean =>
  'file' in one ? 'file' in other && one.file === other.file : 'url' in other && one.url === other.url;
