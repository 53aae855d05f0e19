import type { FamilyName, ModelFacts, Rgb } from '../model.ts';
import type { FolderFiles } from './folder-files.ts';

/**
 * A family of models. It can read the files of exported models of the family, and it knows how the reference
 * implementation of the family processes images and texts.
 */
export interface ModelFamily {
  name: FamilyName;
  /**
   * Returns true when the files belong to a model of this family. Several families have a `config.json` of the same
   * form as CLIP, so other files may be needed for the decision.
   */
  accepts(files: FolderFiles): boolean;
  /** Reads the facts of a model from its files. @throws {Error} naming the file and the field. */
  read(files: FolderFiles, stated: StatedFacts): ModelFacts;
}

/**
 * The facts that the registry entry of a model states. `family` and `logitScale` override the files of the model. All
 * other facts are used only if the files do not state them. Dimensions that differ from the dimensions in the files are
 * an error.
 */
export interface StatedFacts {
  /** The family. When it is stated, it is not detected from the files. */
  family?: FamilyName | undefined;
  dimensions?: number | undefined;
  contextLength?: number | undefined;
  preprocess?: { imageSize?: number | undefined; mean?: Rgb | undefined; std?: Rgb | undefined } | undefined;
  logitScale?: number | undefined;
  logitBias?: number | undefined;
}
