import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { ModelInfo } from '../../../shared/contracts/models.ts';
import { choicesOf, isUsable } from '../../ui/model-choices.ts';

/** Returns the models that can give the items of a batch other scores. */
export function otherModels(
  { model, revision, precision, traffic }: Pick<BatchStatus, 'model' | 'revision' | 'precision' | 'traffic'>,
  models: readonly ModelInfo[],
): ModelInfo[] {
  // Each of several models scored only a share of the items.
  if (traffic !== null) return [...models];
  return models.filter(
    (each) =>
      each.model !== model || each.revision !== revision || (each.precision !== null && each.precision !== precision),
  );
}

/** Returns the name of the first model that can be used; undefined if there is none. */
export const usableOf = (models: readonly ModelInfo[]): string | undefined =>
  choicesOf(models).find(({ model }) => isUsable(model))?.name;
