import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import type { ModelInfo } from '../../../shared/contracts/models.ts';
import { choicesOf, isUsable } from '../../ui/model-choices.ts';
import { otherModels } from '../compare/other-models.ts';

/** Returns the words that offer to score a pair again; undefined without an image or a text. */
export function scoreAgainWords({
  image = null,
  text = '',
  status,
}: Pick<ItemResult, 'image' | 'text' | 'status'>): string | undefined {
  if (image === null || text.trim() === '') return undefined;
  return status === 'failed' ? 'Score it again' : 'Score it with another model';
}

/** @param again the words that offer to score the pair again; undefined if this is not possible. */
export const timingsWords = (again: string | undefined): string =>
  `A batch stores no timings.${again === undefined ? '' : ` “${again}” shows those of each stage.`}`;

/**
 * Returns the model that is chosen at first: another one than that of the batch for a scored pair, otherwise that of the
 * batch. Empty for the default of the service.
 */
export function modelToScoreAgain(
  batch: Pick<BatchStatus, 'model' | 'revision' | 'precision' | 'traffic'>,
  { status }: Pick<ItemResult, 'status'>,
  models: readonly ModelInfo[],
): string {
  const wanted = status === 'failed' ? models.filter(({ model }) => model === batch.model) : otherModels(batch, models);
  return choicesOf(wanted).find(({ model }) => isUsable(model))?.name ?? '';
}
