import { useHashQuery } from '../../shell/hash-query.ts';
import { numberIn } from '../../shell/query.ts';
import type { Scale } from '../../ui/scale.ts';

/** Returns the threshold in the URL, or the initial one for the scale of the model, and a function that sets it. */
export function useThreshold(scale: Scale): [threshold: number, set: (threshold: number) => void] {
  const { query, set } = useHashQuery();
  return [numberIn(query, 'threshold') ?? scale.threshold, (value) => set({ threshold: String(value) })];
}
