import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import { type Scale, scaleOf } from '../ui/scale.ts';

/** Returns the scale of a batch. That of a batch that several models share has no bands, because they differ. */
export function scaleOfBatch({ model, traffic }: Pick<BatchStatus, 'model' | 'traffic'>): Scale {
  const scale = scaleOf(model);
  if (traffic === null) return scale;
  const note =
    'Several models share this batch, and scores of different models cannot be compared. To choose a threshold, score the items with one model under Compare.';
  return { ...scale, bands: [], note };
}
