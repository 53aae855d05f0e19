import { z } from 'zod';
import type { ModelFamily } from './family.ts';
import { absent } from './folder-files.ts';
import { type ImageDefaults, readImageRecipe } from './image-recipe.ts';
import { textVersions } from './text-version.ts';

/** What transformers leaves out of a saved `config.json` when it equals the default of the class. */
const defaults = { dimensions: 512, contextLength: 77, imageSize: 224 } as const;

/** Scale of trained CLIPs: their temperature is clipped at 100. */
const scale = 100;

/** Mean and deviation of the images that OpenAI trained CLIP with. */
const image: ImageDefaults = {
  resize: 'crop',
  filter: 'bicubic',
  rgb: 'after-resize',
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};

const config = z.object({
  model_type: z.literal('clip').optional(),
  projection_dim: z.int().positive().optional(),
  text_config: z.object({ max_position_embeddings: z.int().positive().optional() }).prefault({}),
  vision_config: z.object({ image_size: z.int().positive().optional() }).prefault({}),
});

/** CLIP of OpenAI and OpenCLIP: byte-level BPE, causal text tower. A folder that names no family is one. */
export const clip: ModelFamily = {
  name: 'clip',
  accepts: (files) => {
    const type = (files.json('config.json') as { model_type?: unknown } | undefined)?.model_type;
    return type === undefined || type === 'clip';
  },
  read(files, stated) {
    const file = files.parsed('config.json', config);
    if (file === undefined && stated.dimensions === undefined) throw absent(files.path('config.json'));
    const size = file?.vision_config.image_size ?? stated.preprocess?.imageSize ?? defaults.imageSize;
    return {
      family: 'clip',
      image: readImageRecipe(files, size, stated, image),
      text: {
        clean: 'openclip',
        tokenizer: { kind: 'json' },
        maxTokens: file?.text_config.max_position_embeddings ?? stated.contextLength ?? defaults.contextLength,
        pad: 'end',
        mask: true,
        version: textVersions.openclip,
      },
      dimensions: file?.projection_dim ?? stated.dimensions ?? defaults.dimensions,
      probability: { kind: 'softmax', scale: stated.logitScale ?? scale },
      outputs: { image: ['image_embeds'], text: ['text_embeds'] },
    };
  },
};
