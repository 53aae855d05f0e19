import type { ModelInfo } from '../../shared/contracts/models.ts';

export interface ModelChoice {
  /** A profile, or a model without a profile. */
  name: string;
  model: ModelInfo;
}

export const choicesOf = (models: readonly ModelInfo[]): ModelChoice[] =>
  models.flatMap((model) =>
    (model.profiles.length > 0 ? model.profiles : [model.model]).map((name) => ({ name, model })),
  );

/** Returns true unless the files of the model are missing or could not be loaded. */
export const isUsable = ({ state }: Pick<ModelInfo, 'state'>): boolean => state !== 'absent' && state !== 'failed';
