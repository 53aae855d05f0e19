import { basename, join } from 'node:path';
import type { ModelPrecision, ModelSpec, OwnInt8 } from '../model.ts';
import { towersOf } from '../model.ts';
import { towersIn } from './folder.ts';

/** The int8 towers of this service, which it makes from the fp32 ones. */

/** Its version is part of receipts. A change of the written graphs that changes scores raises it. */
export const ownInt8: OwnInt8 = 'int8-rows-1';

/** Returns the path of the int8 form of an fp32 graph, in the folder for what is made of a model. */
export const madePath = (source: string, madeDirectory: string): string =>
  join(madeDirectory, 'onnx', `${basename(source, '.onnx')}_${ownInt8.replaceAll('-', '_')}.onnx`);

/** The towers of a model at a precision, some of which may have to be made before they are loaded. */
export type MadeTowers = Pick<ModelSpec, 'visionPath' | 'textPath'> & { made: NonNullable<ModelSpec['made']> };

/**
 * Returns the paths of both towers at a precision.
 * @param madeDirectory for towers that are made.
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
