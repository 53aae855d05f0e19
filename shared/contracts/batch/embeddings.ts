import { z } from 'zod';

export const embeddingKind = z.enum(['image', 'text']);
export type EmbeddingKind = z.output<typeof embeddingKind>;

export const kept = z.enum(['image', 'text', 'both']).meta({
  description:
    'Stores the L2-normalised embeddings of the images, of the texts, or of both next to the results. `/embeddings` returns them.',
});
export type Kept = z.output<typeof kept>;

export const embeddingPrecision = z
  .enum(['float16', 'float32'])
  .meta({ description: 'Type of the stored numbers. Default: `float16`.' });
export type EmbeddingPrecision = z.output<typeof embeddingPrecision>;

export const numberBytes: Record<EmbeddingPrecision, number> = { float16: 2, float32: 4 };

export const kindsOf = (keeps: Kept): readonly EmbeddingKind[] => (keeps === 'both' ? embeddingKind.options : [keeps]);

export const imagesFrom = z.string().min(1).max(64).meta({
  description:
    'Id of an earlier batch with stored image embeddings and the same model. The `image` of each item is then the index of an item of that batch, as text: `"17"`. No image is fetched or decoded.',
});

export const embeddingsStatus = z
  .object({
    of: kept,
    precision: embeddingPrecision,
    dimensions: z.int().min(1),
    bytes: z.int().min(0).meta({
      description:
        'Size of all embeddings: items × dimensions × bytes per number × kinds (image, text). The final value is known when all items have been read.',
    }),
  })
  .meta({ id: 'BatchEmbeddings' });

export const embeddingsFormat = z.enum(['npy', 'parquet']);
export type EmbeddingsFormat = z.output<typeof embeddingsFormat>;

export const embeddingsQuery = z.strictObject({
  kind: embeddingKind.optional().meta({
    description: 'Required if the batch stores both kinds. Default: the only kind that the batch stores.',
  }),
  format: embeddingsFormat.optional().meta({
    description:
      '`npy`, the default: an array of NumPy with one row for each item, so that the row number is the index; rows of items without a score are NaN. `parquet`: the columns `index` and `embedding`, a list of 32-bit floats, null for items without a score.',
  }),
});
export type EmbeddingsQuery = z.output<typeof embeddingsQuery>;
