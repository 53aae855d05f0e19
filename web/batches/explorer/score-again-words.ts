import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import type { ModelInfo } from '../../../shared/contracts/models.ts';
import { choicesOf, isUsable } from '../../ui/model-choices.ts';
import { otherModels } from '../compare/other-models.ts';

type Batch = Pick<BatchStatus, 'model' | 'revision' | 'precision' | 'traffic'>;
/** `model` is the model of the pair in a batch that several models share. */
type Scored = Pick<ItemResult, 'status'> & { model?: string | undefined };

/** Returns the words that offer to score a pair again; undefined without an image or a text. */
export function scoreAgainWords(
  { image = null, text = '', ...pair }: Scored & Pick<ItemResult, 'image' | 'text'>,
  batch: Batch,
  models: readonly ModelInfo[],
): string | undefined {
  if (image === null || text.trim() === '') return undefined;
  const hasOther = modelsFor(batch, pair, models).some(isUsable);
  return hasOther ? 'Score it with another model' : 'Score it again';
}

/** @param again the words that offer to score the pair again; undefined if this is not possible. */
export const timingsWords = (again: string | undefined): string =>
  `A batch stores no timings.${again === undefined ? '' : ` “${again}” shows those of each stage.`}`;

/**
 * Returns the model that is chosen at first: if possible, another one than that of a scored pair; otherwise its own.
 * Empty for the default of the service.
 */
export function modelToScoreAgain(batch: Batch, pair: Scored, models: readonly ModelInfo[]): string {
  const own = models.filter(({ model }) => model === modelOf(batch, pair));
  const wanted = [...modelsFor(batch, pair, models), ...own];
  return choicesOf(wanted).find(({ model }) => isUsable(model))?.name ?? '';
}

/** Returns the models that can give a scored pair another score, and none for a failed pair. */
function modelsFor(batch: Batch, { status, model }: Scored, models: readonly ModelInfo[]): ModelInfo[] {
  return status === 'failed' ? [] : otherModels(batch, models).filter((each) => each.model !== model);
}

export const modelOf = (batch: Pick<BatchStatus, 'model'>, { model }: Scored): string => model ?? batch.model;
