import { basename, join } from 'node:path';
import type { ModelPrecision, ModelSpec, OwnInt8 } from '../model.ts';
import { towersOf } from '../model.ts';
import { towersIn } from './folder.ts';

/** The functions of this file determine where the service stores the int8 towers that it makes from fp32 towers. */

/**
 * The name of the int8 form that this service makes. The number at its end is a version, which is part of receipts. It
 * must be increased when a change of the written graphs changes scores.
 */
export const ownInt8: OwnInt8 = 'int8-rows-1';

/**
 * Returns the path of the int8 graph that is made from an fp32 graph.
 * @param source the path of the fp32 graph.
 * @param madeDirectory the directory for files that the service derives from the files of a model.
 */
export const madePath = (source: string, madeDirectory: string): string =>
  join(madeDirectory, 'onnx', `${basename(source, '.onnx')}_${ownInt8.replaceAll('-', '_')}.onnx`);

/**
 * The towers of a model at a precision. Before they are loaded, the graphs in `made` must be made, unless they are up
 * to date.
 */
export type MadeTowers = Pick<ModelSpec, 'visionPath' | 'textPath'> & { made: NonNullable<ModelSpec['made']> };

/**
 * Returns the paths of both towers at a precision.
 * @param madeDirectory the directory for towers that are made from fp32 towers.
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
