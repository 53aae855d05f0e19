import { useHashQuery } from '../../shell/hash-query.ts';
import { numberIn } from '../../shell/query.ts';
import type { Scale } from '../../ui/scale.ts';

/**
 * Returns the threshold and a function that sets it. Without a threshold in the URL, the scale of the model has an
 * initial one.
 */
export function useThreshold(scale: Scale): [threshold: number, set: (threshold: number) => void] {
  const { query, set } = useHashQuery();
  // An edited URL may have a number that no score can be.
  const asked = Math.min(100, Math.max(0, numberIn(query, 'threshold') ?? scale.threshold));
  return [asked, (value) => set({ threshold: String(value) })];
}
