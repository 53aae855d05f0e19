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
 * Returns the precision of a model for a requested precision. If the registry entry states the precision of one tower,
 * this tower always has it: texts of SigLIP 2 are inaccurate in fp16. If the entry states both, they are only a
 * default.
 */
export function precisionFor({ precision: stated = {} }: Stated, asked: TowerPrecision): ModelPrecision {
  const isDefault = stated.vision !== undefined && stated.text !== undefined;
  return isDefault ? asked : precisionName({ vision: stated.vision ?? asked, text: stated.text ?? asked });
}

/** Returns the precision to pull by default. */
export const defaultPrecision = ({ precision: stated = {} }: Stated): ModelPrecision =>
  precisionName({ vision: stated.vision ?? 'fp32', text: stated.text ?? 'fp32' });

/** Returns the precisions to pull for a request, or by default. */
export const wantedPrecisions = (entry: Stated, asked: readonly Precision[] | undefined): ModelPrecision[] => [
  ...new Set(asked?.map((precision) => precisionFor(entry, precision)) ?? [defaultPrecision(entry)]),
];

/** Returns a remark about a precision from which a CPU gains nothing; undefined for others. */
export const remarkOnCpu = (precision: ModelPrecision): string | undefined =>
  Object.values(towersOf(precision)).includes('fp16')
    ? 'fp16 brings nothing on a CPU, where ONNX Runtime computes in fp32 and converts'
    : undefined;

/** The available precisions of each tower in a directory. */
export type TowersHere = Record<keyof TowerPrecisions, readonly Precision[]>;

/**
 * Lists the precisions that a model with these towers can run at: those of both towers, else pairs of different ones.
 */
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
