import { type ModelPrecision, type Precision, precisionName, type TowerPrecisions } from '../model.ts';
import type { ModelEntry } from './entries.ts';

type Stated = Pick<ModelEntry, 'precision'>;

/**
 * The precision that a model has when one is asked for. A tower whose precision the entry states alone keeps it: texts of
 * SigLIP 2 drift in fp16, whatever is asked for. An entry that states both states a default.
 */
export function precisionFor({ precision: stated = {} }: Stated, asked: Precision): ModelPrecision {
  const isDefault = stated.vision !== undefined && stated.text !== undefined;
  return isDefault ? asked : precisionName({ vision: stated.vision ?? asked, text: stated.text ?? asked });
}

/** The precision that is pulled when none is asked for. */
export const defaultPrecision = ({ precision: stated = {} }: Stated): ModelPrecision =>
  precisionName({ vision: stated.vision ?? 'fp32', text: stated.text ?? 'fp32' });

/** The precisions that are pulled when these are asked for, or none. */
export const wantedPrecisions = (entry: Stated, asked: readonly Precision[] | undefined): ModelPrecision[] => [
  ...new Set(asked?.map((precision) => precisionFor(entry, precision)) ?? [defaultPrecision(entry)]),
];

/** The precisions of each tower in a directory. */
export type TowersHere = Record<keyof TowerPrecisions, readonly Precision[]>;

/** The precisions that a model can have with these towers: of both where both have it, else with another one. */
export function precisionsOfTowers({ vision, text }: TowersHere): ModelPrecision[] {
  const [firstVision] = vision;
  const [firstText] = text;
  if (firstVision === undefined || firstText === undefined) return [];
  const towers = [
    ...vision.map((each) => ({ vision: each, text: text.includes(each) ? each : firstText })),
    ...text.filter((each) => !vision.includes(each)).map((each) => ({ vision: firstVision, text: each })),
  ];
  return towers.map(precisionName);
}
