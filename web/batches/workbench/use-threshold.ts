import { useHashQuery } from '../../shell/hash-query.ts';
import { numberIn } from '../../shell/query.ts';
import type { Scale } from '../../ui/scale.ts';

/**
 * Returns the threshold and a function that sets it. The threshold is that of the URL, or else the initial one of the
 * model's scale.
 */
export function useThreshold(scale: Scale): [threshold: number, set: (threshold: number) => void] {
  const { query, set } = useHashQuery();
  return [numberIn(query, 'threshold') ?? scale.threshold, (value) => set({ threshold: String(value) })];
}
