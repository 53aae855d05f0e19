import type { FamilyName, ModelFacts, Rgb } from '../model.ts';
import type { FolderFiles } from './folder-files.ts';

/**
 * A kind of model. It knows the files of its exports, and how its reference implementation processes images and texts.
 */
export interface ModelFamily {
  name: FamilyName;
  /** Returns true when the files are those of this family. Several families share the `config.json` of CLIP. */
  accepts(files: FolderFiles): boolean;
  /** Reads the facts of a model from its files. @throws {Error} naming file and field. */
  read(files: FolderFiles, stated: StatedFacts): ModelFacts;
}

/**
 * The facts that a registry entry states about a model. Facts in the model's files take precedence, except for the
 * family.
 */
export interface StatedFacts {
  /** The family. If it is stated, it is not detected. */
  family?: FamilyName | undefined;
  dimensions?: number | undefined;
  contextLength?: number | undefined;
  preprocess?: { imageSize?: number | undefined; mean?: Rgb | undefined; std?: Rgb | undefined } | undefined;
  logitScale?: number | undefined;
  logitBias?: number | undefined;
}
