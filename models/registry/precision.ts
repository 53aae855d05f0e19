import {
  type ModelPrecision,
  type Precision,
  precisionName,
  type TowerPrecision,
  type TowerPrecisions,
  towersOf,
} from '../model.ts';
import type { ModelEntry } from './entries.ts';

type Stated = Pick<ModelEntry, 'precision'>;

/**
 * Returns the precision at which a model runs when `asked` is requested. A precision that the entry states for only one
 * encoder always applies: the text encoder of SigLIP 2 is inaccurate in fp16. Two stated precisions are only defaults.
 */
export function precisionFor({ precision: stated = {} }: Stated, asked: TowerPrecision): ModelPrecision {
  const isDefault = stated.vision !== undefined && stated.text !== undefined;
  return isDefault ? asked : precisionName({ vision: stated.vision ?? asked, text: stated.text ?? asked });
}

/** Returns the precision that is downloaded when the user names none. */
export const defaultPrecision = ({ precision: stated = {} }: Stated): ModelPrecision =>
  precisionName({ vision: stated.vision ?? 'fp32', text: stated.text ?? 'fp32' });

export const wantedPrecisions = (entry: Stated, asked: readonly Precision[] | undefined): ModelPrecision[] => [
  ...new Set(asked?.map((precision) => precisionFor(entry, precision)) ?? [defaultPrecision(entry)]),
];

export const remarkOnCpu = (precision: ModelPrecision): string | undefined =>
  Object.values(towersOf(precision)).includes('fp16')
    ? 'fp16 has no advantage on a CPU, where ONNX Runtime converts the values and computes in fp32'
    : undefined;

/** The precisions in which each encoder is available in a directory or repository. */
export type TowersHere = Record<keyof TowerPrecisions, readonly Precision[]>;

/** An encoder without the precision of the other one uses its first available precision. */
export function precisionsOfTowers({ vision, text }: TowersHere): ModelPrecision[] {
  const [firstVision] = vision;
  const [firstText] = text;
  if (firstVision === undefined || firstText === undefined) return [];
  const towers = [
    ...vision.map((each) => ({ vision: each, text: text.includes(each) ? each : firstText })),
    ...text.filter((each) => !vision.includes(each)).map((each) => ({ vision: firstVision, text: each })),
  ];
  return [...new Set(towers.map(precisionName))];
}
