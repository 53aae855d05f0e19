import { type ClipKind, openAi, readClip } from './clip-facts.ts';
import type { ModelFamily } from './family.ts';
import type { FolderFiles } from './folder-files.ts';
import { cleaningIn, openClipConfigIn } from './open-clip.ts';
import { sentencePieceIn } from './sentencepiece-in.ts';
import { textVersions } from './text-version.ts';

/** Converts SentencePiece ids to the fairseq ids with which XLM-RoBERTa was trained. */
const ids = { begin: 0, end: 2, fairseq: { shift: 1, unknown: 3 } };

const kind: ClipKind = {
  family: 'xlm-roberta',
  reference: 'open_clip',
  defaults: { dimensions: 512, contextLength: 77, imageSize: 224 },
  image: { resize: 'crop', filter: 'bicubic', rgb: 'after-resize', ...openAi },
  // The text model has 514 positions. OpenCLIP truncates texts at 77 tokens, which no file states.
  positionsAreTokens: false,
  text: (files, maxTokens) => {
    const clean = cleaningIn(files) ?? 'openclip-cased';
    return {
      clean,
      maxTokens,
      pad: { id: 1, to: 0 },
      mask: true,
      ...sentencePieceIn(files, 'sentencepiece.bpe.model', ids, textVersions[clean]),
    };
  },
};

/** OpenCLIP's multilingual CLIP models with XLM-RoBERTa as text model. */
export const xlmRoberta: ModelFamily = {
  name: 'xlm-roberta',
  accepts: (files) => textTypeOf(files) === 'xlm-roberta' || hasXlmText(files),
  read: (files, stated) => readClip(kind, files, stated),
};

const textTypeOf = (files: FolderFiles): unknown =>
  (files.json('config.json') as { text_config?: { model_type?: unknown } } | undefined)?.text_config?.model_type;

const hasXlmText = (files: FolderFiles): boolean =>
  openClipConfigIn(files)?.model.text_cfg.hf_model_name?.includes('xlm-roberta') ?? false;
