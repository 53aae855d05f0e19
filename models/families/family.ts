import type { FamilyName, ModelFacts, Rgb } from '../model.ts';
import type { FolderFiles } from './folder-files.ts';

/** Reads the files of a model family, and knows the steps of its reference implementation. */
export interface ModelFamily {
  name: FamilyName;
  /**
   * Returns true for files of this family. Several families have a `config.json` like CLIP's, so other files may
   * decide.
   */
  accepts(files: FolderFiles): boolean;
  /** @throws {Error} naming the file and the field. */
  read(files: FolderFiles, stated: StatedFacts): ModelFacts;
}

/**
 * Facts from a registry entry. `family` and `logitScale` override the files; other facts apply only if the files lack
 * them. Dimensions that contradict the files are an error.
 */
export interface StatedFacts {
  family?: FamilyName | undefined;
  dimensions?: number | undefined;
  contextLength?: number | undefined;
  preprocess?: { imageSize?: number | undefined; mean?: Rgb | undefined; std?: Rgb | undefined } | undefined;
  logitScale?: number | undefined;
  logitBias?: number | undefined;
}
