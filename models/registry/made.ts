import { basename, join } from 'node:path';
import type { ModelPrecision, ModelSpec, OwnInt8 } from '../model.ts';
import { towersOf } from '../model.ts';
import { towersIn } from './folder.ts';

/** Determines where the service stores the int8 graphs that it makes from fp32 graphs. */

/** Receipts contain the version at the end of this name. Increase it when a change of the graphs changes scores. */
export const ownInt8: OwnInt8 = 'int8-rows-1';

/**
 * Returns the path of the int8 graph that is made from an fp32 graph.
 * @param madeDirectory the directory for derived files.
 */
export const madePath = (source: string, madeDirectory: string): string =>
  join(madeDirectory, 'onnx', `${basename(source, '.onnx')}_${ownInt8.replaceAll('-', '_')}.onnx`);

/** The graphs in `made` must be made, or be up to date, before they are loaded. */
export type MadeTowers = Pick<ModelSpec, 'visionPath' | 'textPath'> & { made: NonNullable<ModelSpec['made']> };

/**
 * @param madeDirectory the directory for derived files.
 * @returns undefined when a file is missing.
 */
export async function towersWithMade(
  directory: string,
  madeDirectory: string,
  precision: ModelPrecision,
): Promise<MadeTowers | undefined> {
  const { vision, text } = towersOf(precision);
  const filesOf = vision === ownInt8 ? 'fp32' : vision;
  const textOf = text === ownInt8 ? 'fp32' : text;
  const towers = await towersIn(directory, `${filesOf}+${textOf}`);
  if (towers === undefined) return undefined;
  const made = new Map<string, string>();
  const pathOf = (source: string, isMade: boolean): string => {
    if (!isMade) return source;
    made.set(madePath(source, madeDirectory), source);
    return madePath(source, madeDirectory);
  };
  return {
    visionPath: pathOf(towers.visionPath, vision === ownInt8),
    textPath: pathOf(towers.textPath, text === ownInt8),
    made: [...made].map(([to, from]) => ({ from, to })),
  };
}
