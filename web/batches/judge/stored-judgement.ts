import type { ItemResult } from '../../../shared/contracts/item.ts';

export interface SampledPair {
  index: number;
  id: string | undefined;
  score: number;
  image: string | null;
  text: string;
  isRight: boolean | undefined;
}

/** A sample of pairs with the labels of the user, as the browser stores it. */
export interface StoredJudgement {
  /** The edges of the ranges of scores from which the pairs were sampled. */
  edges: number[];
  pairs: SampledPair[];
}

const keyOf = (id: string): string => `judged:${id}`;

export function loadJudgement(id: string): StoredJudgement | undefined {
  try {
    const stored: Partial<StoredJudgement> | null = JSON.parse(localStorage.getItem(keyOf(id)) ?? 'null');
    return Array.isArray(stored?.pairs) && Array.isArray(stored.edges) ? (stored as StoredJudgement) : undefined;
  } catch {
    return undefined;
  }
}

/** Stores a judgement in the browser, or removes it. Returns false when the storage is full. */
export function storeJudgement(id: string, judgement: StoredJudgement | undefined): boolean {
  try {
    if (judgement === undefined) localStorage.removeItem(keyOf(id));
    else localStorage.setItem(keyOf(id), JSON.stringify(judgement));
    return true;
  } catch {
    return false;
  }
}

export function sampledPair(result: ItemResult, isRight?: boolean): SampledPair {
  const { index, id, text = '', image = null } = result;
  return { index, id, text, image, score: result.status === 'succeeded' ? result.score : 0, isRight };
}

/** Formats the labels as CSV; 1 is right, 0 is wrong. */
export function labelsAsCsv(pairs: readonly SampledPair[]): string {
  const cell = (value: string) => (/[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  const rows = pairs
    .filter(({ isRight }) => isRight !== undefined)
    .map(({ index, id, image, text, score, isRight }) =>
      [String(index), id ?? '', image ?? '', text, String(score), isRight ? '1' : '0'].map(cell).join(','),
    );
  return `${['index,id,image,text,score,label', ...rows].join('\n')}\n`;
}
