import { precisionName, towersOf } from '../model.ts';
import type { ModelEntry } from '../registry/entries.ts';
import { readModelFolder } from '../registry/folder.ts';
import { ownInt8, towersWithMade } from '../registry/made.ts';
import { precisionFor } from '../registry/precision.ts';
import { makeGraphs } from './make.ts';

/**
 * @param again true to remake graphs that are up to date.
 * @returns the paths of the graphs that were made.
 * @throws {Error} when the model has no fp32 files, or when they cannot be converted.
 */
export async function makeInt8(entry: ModelEntry, again = false): Promise<string[]> {
  const { vision, text } = towersOf(precisionFor(entry, 'int8'));
  const own = (precision: typeof vision) => (precision === 'int8' ? ownInt8 : precision);
  const precision = precisionName({ vision: own(vision), text: own(text) });
  const towers = await towersWithMade(entry.directory, entry.madeDirectory, precision);
  if (towers === undefined) throw new Error(`${entry.model} has no fp32 files in ${entry.directory} to make int8 from`);
  const { outputs } = await readModelFolder(entry.directory, entry);
  return await makeGraphs(towers.made, { again, outputs });
}
