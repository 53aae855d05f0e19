import type { Cleaning, ImageRecipe, Rgb, TextRecipe } from '../model.ts';

/** Most causes are steps of a recipe. */
export const causes = [
  'mean',
  'filter',
  'crop',
  'transparency',
  'padding',
  'mask',
  'cleaning',
  'length',
  'output',
  'tokenizer',
  'probability',
  'unknown',
] as const;
export type Cause = (typeof causes)[number];

export interface Change {
  cause: Cause;
  /** `from` is the value in the recipe of the model, `to` the value in the variant. */
  from: string;
  to: string;
}

export interface Variant<Recipe> {
  recipe: Recipe;
  changes: Change[];
}

const normalisations: { mean: Rgb; std: Rgb }[] = [
  { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  { mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711] },
  { mean: [0, 0, 0], std: [1, 1, 1] },
  { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
];
const inWords = ({ mean, std }: { mean: Rgb; std: Rgb }) => `mean ${mean.join(' ')} and deviation ${std.join(' ')}`;
const rgbInWords = {
  'after-resize': 'dropping the alpha channel after the resize',
  'before-resize': 'blending transparent parts over white before the resize',
};

/**
 * Returns variants of an image recipe, the unchanged one first. Those with the same normalisation are adjacent, because
 * another one needs another load of the graph.
 */
export function imageVariants(own: ImageRecipe): Variant<ImageRecipe>[] {
  const isOwn = ({ mean, std }: { mean: Rgb; std: Rgb }) => `${mean}/${std}` === `${own.mean}/${own.std}`;
  const all = [own, ...normalisations.filter((other) => !isOwn(other))];
  return all.flatMap(({ mean, std }) =>
    combinations<ImageRecipe>(
      { ...own, mean, std },
      isOwn({ mean, std }) ? [] : [{ cause: 'mean', from: inWords(own), to: inWords({ mean, std }) }],
      [
        options('filter', own.filter, ['bicubic', 'bilinear'], (filter) => ({ filter })),
        options('crop', own.resize, ['crop', 'squash'], (resize) => ({ resize })),
        options('transparency', own.rgb, ['after-resize', 'before-resize'], (rgb) => ({ rgb }), rgbInWords),
      ],
      3,
    ),
  );
}

const cleanings: readonly Cleaning[] = ['openclip', 'openclip-cased', 'openclip-canonical', 'siglip', 'lower', 'none'];
/** The maximum numbers of tokens per text in the supported families. */
const lengths = [32, 52, 64, 77] as const;

/**
 * Returns variants of a text recipe with at most two changes, those with fewer changes first.
 * @param endToken the token at the end of each text.
 */
export function textVariants(own: TextRecipe, endToken: number): Variant<TextRecipe>[] {
  const pads: TextRecipe['pad'][] = ['end', ...[...new Set([0, 1, endToken])].map((id) => ({ id, to: own.maxTokens }))];
  const padInWords = (pad: TextRecipe['pad']) =>
    pad === 'end' || pad.to === 0 ? 'padded to the longest text of a run' : `padded with ${pad.id} to ${pad.to}`;
  const other = <Value>(
    cause: Cause,
    values: readonly Value[],
    from: Value,
    apply: (value: Value) => Partial<TextRecipe>,
    say: (value: Value) => string,
  ) =>
    values
      .filter((value) => JSON.stringify(value) !== JSON.stringify(from))
      .map((value) => ({ change: { cause, from: say(from), to: say(value) }, apply: apply(value) }));
  const limited = (maxTokens: number): Partial<TextRecipe> => ({
    maxTokens,
    ...(own.pad !== 'end' && own.pad.to > 0 && { pad: { ...own.pad, to: maxTokens } }),
  });
  return combinations(
    own,
    [],
    [
      other('padding', pads, own.pad, (pad) => ({ pad }), padInWords),
      other(
        'mask',
        [true, false],
        own.mask,
        (mask) => ({ mask }),
        (mask) => (mask ? 'padding masked' : 'no mask'),
      ),
      other('cleaning', cleanings, own.clean, (clean) => ({ clean }), String),
      other('length', lengths, own.maxTokens, limited, (length) => `${length} tokens`),
    ],
    2,
  );
}

interface Option<Recipe> {
  change: Change;
  apply: Partial<Recipe>;
}

const options = <Recipe, Value extends string>(
  cause: Cause,
  from: Value,
  values: readonly Value[],
  apply: (value: Value) => Partial<Recipe>,
  words?: Record<Value, string>,
): Option<Recipe>[] =>
  values
    .filter((value) => value !== from)
    .map((value) => ({
      change: { cause, from: words?.[from] ?? from, to: words?.[value] ?? value },
      apply: apply(value),
    }));

/**
 * Returns all combinations with at most one option of each step and `most` options overall, those with fewer options
 * first.
 */
function combinations<Recipe extends object>(
  base: Recipe,
  changes: Change[],
  steps: readonly (readonly Option<Recipe>[])[],
  most: number,
): Variant<Recipe>[] {
  let variants: Variant<Recipe>[] = [{ recipe: base, changes }];
  for (const step of steps) {
    variants = variants.flatMap((variant) => [
      variant,
      ...step.map(({ change, apply }) => ({
        recipe: { ...variant.recipe, ...apply },
        changes: [...variant.changes, change],
      })),
    ]);
  }
  return variants
    .filter((variant) => variant.changes.length - changes.length <= most)
    .toSorted((a, b) => a.changes.length - b.changes.length);
}
