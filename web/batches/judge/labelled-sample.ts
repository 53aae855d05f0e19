import type { PairLabel } from '../../../shared/contracts/batch/judgement.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';

export interface SampledPair {
  index: number;
  id: string | undefined;
  score: number;
  image: string | null;
  imageStored?: true | undefined;
  /** The path of the image file, if the image was posted with one. */
  imagePath: string | undefined;
  text: string;
  isRight: boolean | undefined;
}

/** Pairs of a batch with the labels of people. */
export interface LabelledSample {
  pairs: SampledPair[];
}

/** Pairs to judge. `edges` are the lower ends of the ranges of scores from which they were drawn. */
export interface DrawnSample extends LabelledSample {
  edges: number[];
}

/** A sample that the service stores with the batch, under the id `sample`. */
export interface StoredSample extends LabelledSample {
  sample: string;
  /** The threshold around which the pairs were sampled, if it is known. */
  threshold?: number | undefined;
}

export function sampledPair(result: ItemResult, isRight?: boolean): SampledPair {
  const { index, id, text = '', image = null, imageStored, imagePath } = result;
  return {
    index,
    id,
    text,
    image,
    imageStored,
    imagePath,
    score: result.status === 'succeeded' ? result.score : 0,
    isRight,
  };
}

/** Returns the label of the API. */
export const wordOf = (isRight: boolean): PairLabel => (isRight ? 'right' : 'wrong');

export const judgedCount = (pairs: readonly SampledPair[]): number =>
  pairs.filter(({ isRight }) => isRight !== undefined).length;

/** Formats the labels as CSV; 1 is right, 0 is wrong. An image without an address has its path. */
export function labelsAsCsv(pairs: readonly SampledPair[]): string {
  const cell = (value: string) => (/[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  const rows = pairs
    .filter(({ isRight }) => isRight !== undefined)
    .map(({ index, id, image, imagePath, text, score, isRight }) =>
      [String(index), id ?? '', image ?? imagePath ?? '', text, String(score), isRight ? '1' : '0'].map(cell).join(','),
    );
  return `${['index,id,image,text,score,label', ...rows].join('\n')}\n`;
}
