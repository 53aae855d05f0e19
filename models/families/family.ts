import type { FamilyName, ModelFacts, Rgb } from '../model.ts';
import type { FolderFiles } from './folder-files.ts';

/** A kind of model: knows the files of its exports, and how its reference implementation processes images and texts. */
export interface ModelFamily {
  name: FamilyName;
  /** Returns true when the files are those of this family. Several families share the `config.json` of CLIP. */
  accepts(files: FolderFiles): boolean;
  /** @throws {Error} naming file and field. */
  read(files: FolderFiles, stated: StatedFacts): ModelFacts;
}

/** The facts that a registry entry states. Facts in files take precedence, except for the family. */
export interface StatedFacts {
  /** Replaces the detection of the family. */
  family?: FamilyName | undefined;
  dimensions?: number | undefined;
  contextLength?: number | undefined;
  preprocess?: { imageSize?: number | undefined; mean?: Rgb | undefined; std?: Rgb | undefined } | undefined;
  logitScale?: number | undefined;
  logitBias?: number | undefined;
}
