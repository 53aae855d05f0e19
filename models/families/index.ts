import type { FamilyName, ModelFacts } from '../model.ts';
import { chineseClip } from './chinese-clip.ts';
import { clip } from './clip.ts';
import { compact } from './compact.ts';
import type { ModelFamily, StatedFacts } from './family.ts';
import { readFolderFiles } from './folder-files.ts';
import { mobileclip } from './mobileclip.ts';
import { openClipConfigIn } from './open-clip.ts';
import { pe } from './pe.ts';
import { siglip } from './siglip.ts';
import { siglip2 } from './siglip2.ts';
import { xlmRoberta } from './xlm-roberta.ts';

/** In the order in which `accepts` is called. CLIP is last, because it accepts folders that name no family. */
const families: readonly ModelFamily[] = [compact, siglip, siglip2, chineseClip, xlmRoberta, mobileclip, pe, clip];

/**
 * @param stated facts from the model's registry entry.
 * @throws {Error} naming the file and the field.
 */
export async function readModelFacts(directory: string, stated: StatedFacts = {}): Promise<ModelFacts> {
  const files = await readFolderFiles(directory);
  const family = families.find(({ name, accepts }) => (stated.family ? name === stated.family : accepts(files)));
  if (family === undefined) {
    const { model_type: type } = (files.json('config.json') ?? {}) as { model_type?: unknown };
    const { hf_tokenizer_name: tokenizer, hf_model_name: text } = openClipConfigIn(files)?.model.text_cfg ?? {};
    const what = type === undefined ? `text tower ${text ?? tokenizer}` : `model_type ${JSON.stringify(type)}`;
    const known = families.map(({ name }): FamilyName => name).join(', ');
    throw new Error(
      `${files.path('config.json')}: no supported model family has ${what}; set family in the registry entry to one of ${known}`,
    );
  }
  const facts = family.read(files, stated);
  if (stated.dimensions !== undefined && facts.dimensions !== stated.dimensions) {
    const where = files.path('config.json');
    throw new Error(
      `${where}: dimensions: the files state ${facts.dimensions}, but the registry entry states ${stated.dimensions}`,
    );
  }
  return facts;
}
