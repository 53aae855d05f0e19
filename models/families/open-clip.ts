import { z } from 'zod';
import type { Cleaning } from '../model.ts';
import type { FolderFiles } from './folder-files.ts';

const triple = z.tuple([z.number(), z.number(), z.number()]);
const size = z.int().positive();

/** Text cleanings in OpenCLIP's configuration, with their names in this service. */
const cleanings = {
  lower: 'openclip',
  whitespace: 'openclip-cased',
  canonicalize: 'openclip-canonical',
} as const satisfies Record<string, Cleaning>;

const visionConfig = z.object({ image_size: size.optional(), timm_model_name: z.string().nullish() });
const textConfig = z.object({
  context_length: size.optional(),
  no_causal_mask: z.boolean().optional(),
  hf_model_name: z.string().nullish(),
  hf_tokenizer_name: z.string().nullish(),
  tokenizer_kwargs: z
    .object({
      clean: z
        .enum(['lower', 'whitespace', 'canonicalize'], 'only lower, whitespace and canonicalize are supported')
        .optional(),
    })
    .nullish(),
});
const modelConfig = z.object({
  embed_dim: size,
  vision_cfg: visionConfig.prefault({}),
  text_cfg: textConfig.prefault({}),
});
const preprocessConfig = z.object({
  size: z
    .union([size, z.tuple([size, size]).refine(([height, width]) => height === width, 'not a square')])
    .transform((value) => (typeof value === 'number' ? value : value[0]))
    .optional(),
  mean: triple.optional(),
  std: triple.optional(),
  interpolation: z.enum(['bicubic', 'bilinear'], 'only bicubic and bilinear are supported').optional(),
  resize_mode: z.enum(['shortest', 'squash'], 'only shortest and squash are supported').optional(),
});

const whole = z.object({ model_cfg: modelConfig, preprocess_cfg: preprocessConfig.prefault({}) });

/** OpenCLIP's description of a model and its image preprocessing. */
export interface OpenClipConfig {
  model: z.output<typeof modelConfig>;
  /** Undefined when the file with these steps does not exist. */
  preprocess: z.output<typeof preprocessConfig> | undefined;
  preprocessPath: string;
}

/**
 * Reads `open_clip_config.json`. Immich exports the same content as `config.json` and `preprocess_cfg.json`.
 * @returns undefined when the folder has neither.
 * @throws {Error} naming the file and the field.
 */
export function openClipConfigIn(files: FolderFiles): OpenClipConfig | undefined {
  const both = files.parsed('open_clip_config.json', whole);
  if (both !== undefined) {
    const preprocessPath = files.path('open_clip_config.json');
    return { model: both.model_cfg, preprocess: both.preprocess_cfg, preprocessPath };
  }
  if ((files.json('config.json') as { embed_dim?: unknown } | undefined)?.embed_dim === undefined) return undefined;
  const model = files.parsed('config.json', modelConfig);
  const preprocess = files.parsed('preprocess_cfg.json', preprocessConfig);
  return model && { model, preprocess, preprocessPath: files.path('preprocess_cfg.json') };
}

/** Returns true when OpenCLIP's configuration names another tokenizer or text model than CLIP's. */
export function hasOtherTokenizer(files: FolderFiles): boolean {
  const { hf_tokenizer_name: tokenizer, hf_model_name: model } = openClipConfigIn(files)?.model.text_cfg ?? {};
  return [tokenizer, model].some((name) => typeof name === 'string' && !/clip/i.test(name));
}

/** Returns the text cleaning in OpenCLIP's configuration; undefined when it states none. */
export function cleaningIn(files: FolderFiles): Cleaning | undefined {
  const { clean } = openClipConfigIn(files)?.model.text_cfg.tokenizer_kwargs ?? {};
  return clean && cleanings[clean];
}
