import { z } from 'zod';
import type { ModelFamily } from './family.ts';
import { absent } from './folder-files.ts';
import { half, readImageRecipe } from './image-recipe.ts';
import { textVersions } from './text-version.ts';

const config = z.object({
  model_type: z.literal('compact'),
  projection_dim: z.int().positive(),
  logit_scale: z.number().positive(),
  text_config: z.object({ max_position_embeddings: z.int().positive() }),
  vision_config: z.object({ image_size: z.int().positive() }),
});

/** The built-in model: EfficientNet-Lite0 for images, MiniLM for texts, BERT's WordPiece tokenizer. */
export const compact: ModelFamily = {
  name: 'compact',
  accepts: (files) => (files.json('config.json') as { model_type?: unknown } | undefined)?.model_type === 'compact',
  read(files, stated) {
    const file = files.parsed('config.json', config);
    if (file === undefined) throw absent(files.path('config.json'));
    const defaults = { resize: 'crop', filter: 'bicubic', rgb: 'after-resize', ...half } as const;
    return {
      family: 'compact',
      reference: undefined,
      image: readImageRecipe(files, file.vision_config.image_size, stated, defaults),
      text: {
        clean: 'none',
        tokenizer: { kind: 'json' },
        maxTokens: file.text_config.max_position_embeddings,
        pad: 'end',
        mask: true,
        version: textVersions.none,
      },
      dimensions: file.projection_dim,
      probability: { kind: 'softmax', scale: stated.logitScale ?? file.logit_scale },
      outputs: { image: ['image_embeds'], text: ['text_embeds'] },
    };
  },
};
