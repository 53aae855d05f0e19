import { numberIn, useHashQuery } from '../../shell/hash-query.ts';
import type { Scale } from '../../ui/scale.ts';

/** Returns the threshold of the URL, or the one that the model's scale begins with, and a function that sets it. */
export function useThreshold(scale: Scale): [threshold: number, set: (threshold: number) => void] {
  const { query, set } = useHashQuery();
  return [numberIn(query, 'threshold') ?? scale.threshold, (value) => set({ threshold: String(value) })];
}
