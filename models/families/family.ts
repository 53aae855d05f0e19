import type { FamilyName, ModelFacts, Rgb } from '../model.ts';
import type { FolderFiles } from './folder-files.ts';

/**
 * A family of models. It can read the files of exported models, and it knows how its reference implementation processes
 * images and texts.
 */
export interface ModelFamily {
  name: FamilyName;
  /**
   * Returns true when the files belong to a model of this family. Several families have a `config.json` of the same
   * form as CLIP's, so other files may have to decide.
   */
  accepts(files: FolderFiles): boolean;
  /** Reads the facts of a model from its files. @throws {Error} naming the file and the field. */
  read(files: FolderFiles, stated: StatedFacts): ModelFacts;
}

/**
 * The facts about a model that its registry entry states. The entry decides about `family` and `logitScale`. For other
 * facts, a value in the model's files is used instead of the stated one. Stated dimensions that differ from the files
 * are an error.
 */
export interface StatedFacts {
  /** The family. If it is stated, the files are not used to detect it. */
  family?: FamilyName | undefined;
  dimensions?: number | undefined;
  contextLength?: number | undefined;
  preprocess?: { imageSize?: number | undefined; mean?: Rgb | undefined; std?: Rgb | undefined } | undefined;
  logitScale?: number | undefined;
  logitBias?: number | undefined;
}
