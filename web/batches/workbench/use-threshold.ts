import { useHashQuery } from '../../shell/hash-query.ts';
import { thresholdIn } from '../../shell/query.ts';
import type { Scale } from '../../ui/scale.ts';

/**
 * Returns the threshold and a function that sets it. Without a threshold in the URL, the scale of the model has an
 * initial one.
 */
export function useThreshold(scale: Scale): [threshold: number, set: (threshold: number) => void] {
  const { query, set } = useHashQuery();
  return [thresholdIn(query) ?? scale.threshold, (value) => set({ threshold: String(value) })];
}
