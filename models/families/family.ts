import type { FamilyName, ModelFacts, Rgb } from '../model.ts';
import type { FolderFiles } from './folder-files.ts';

/** A kind of model: it knows the files of its exports, and what its reference implementation does with images and texts. */
export interface ModelFamily {
  name: FamilyName;
  /** Whether the files are those of this family. Several families share the `config.json` of CLIP. */
  accepts(files: FolderFiles): boolean;
  /** @throws {Error} naming file and field. */
  read(files: FolderFiles, stated: StatedFacts): ModelFacts;
}

/** What a registry entry states of a model. The files count first, except for the family. */
export interface StatedFacts {
  /** Used instead of asking each family. */
  family?: FamilyName | undefined;
  dimensions?: number | undefined;
  contextLength?: number | undefined;
  preprocess?: { imageSize?: number | undefined; mean?: Rgb | undefined; std?: Rgb | undefined } | undefined;
  logitScale?: number | undefined;
  logitBias?: number | undefined;
}
