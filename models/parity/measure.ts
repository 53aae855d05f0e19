import { GraphFault } from '../encoder/session-shapes.ts';
import { loadTowers, type Towers } from '../encoder/towers.ts';
import type { ImageRecipe, ModelSpec, TextRecipe } from '../model.ts';
import { crop } from '../pixels/preprocess.ts';
import { loadTokenizer, type Tokenizer } from '../texts/tokenizer.ts';

/** The embeddings that one recipe gives. */
export interface Measured {
  /** Returns the embedding from a run with all inputs. The shortest text has a second one, from a run of its own. */
  of(name: string): readonly Float32Array[];
}

export interface Measuring {
  images(recipe: ImageRecipe): Promise<Measured>;
  texts(recipe: TextRecipe): Promise<Measured>;
  /** Returns the token ids without padding. */
  ids(text: string, recipe: TextRecipe): Promise<number[]>;
  endToken: number;
  /**
   * Tries the other outputs of an encoder's graph.
   * @returns the names of the present output and of the first output that `confirms` accepts.
   */
  otherOutput(
    side: 'image' | 'text',
    confirms: () => Promise<boolean>,
  ): Promise<{ from: string; to: string } | undefined>;
}

const threads = 2;
const maxPixels = 100_000_000;

export async function startMeasuring(
  spec: ModelSpec,
  images: ReadonlyMap<string, Uint8Array>,
  texts: readonly string[],
): Promise<Measuring> {
  const tokenizers = new Map<string, Tokenizer>();
  async function tokenizerFor(recipe: TextRecipe): Promise<Tokenizer> {
    const key = `${recipe.clean} ${recipe.maxTokens}`;
    const tokenizer = tokenizers.get(key) ?? (await loadTokenizer({ ...spec, text: recipe }));
    tokenizers.set(key, tokenizer);
    return tokenizer;
  }
  let outputs = spec.outputs;
  /** The normalisation of images is part of the graph, so another one needs another load. */
  let loaded: { key: string; towers: Towers } | undefined;
  async function towersFor({ mean, std }: Pick<ImageRecipe, 'mean' | 'std'>): Promise<Towers> {
    const key = JSON.stringify([mean, std, outputs]);
    if (loaded?.key !== key) {
      loaded = undefined;
      loaded = { key, towers: await loadTowers({ ...spec, image: { ...spec.image, mean, std }, outputs }, threads) };
    }
    return loaded.towers;
  }

  const own = await tokenizerFor(spec.text);
  const byName = (names: Iterable<string>, runs: readonly (readonly Float32Array[])[]): Measured => {
    const rows = new Map([...names].map((name, at) => [name, runs.flatMap((run) => run[at] ?? [])]));
    return { of: (name) => rows.get(name) ?? [] };
  };

  async function measureImages(recipe: ImageRecipe): Promise<Measured> {
    const towers = await towersFor(recipe);
    const pixels: Uint8Array[] = [];
    for (const bytes of images.values()) pixels.push(await crop(bytes, { recipe, maxPixels, mode: 'exact' }));
    return byName(images.keys(), pixels.length === 0 ? [] : [await towers.images(pixels)]);
  }

  async function measureTexts(recipe: TextRecipe): Promise<Measured> {
    if (texts.length === 0) return byName([], []);
    // The embeddings of texts do not depend on the normalisation of images.
    const towers = loaded?.towers ?? (await towersFor(spec.image));
    const tokenizer = await tokenizerFor(recipe);
    const ids = texts.map((text) => tokenizer.encode(text).ids);
    const together = await towers.texts(ids, undefined, recipe);
    // A run pads its texts to the longest one, which can hide missing padding. So the shortest text is also run alone.
    const shortest = ids.reduce((least, { length }, at) => (length < (ids[least]?.length ?? 0) ? at : least), 0);
    const alone = new Array<Float32Array>(ids.length);
    alone[shortest] = (await towers.texts([ids[shortest] ?? []], undefined, recipe))[0] ?? new Float32Array();
    return byName(texts, [together, alone]);
  }

  return {
    images: measureImages,
    texts: measureTexts,
    ids: async (text, recipe) => (await tokenizerFor(recipe)).encode(text).ids,
    endToken: own.encode('a').ids.at(-1) ?? 0,
    async otherOutput(side, confirms) {
      const names = await towersFor(spec.image).then(
        ({ outputNames }) => outputNames?.[side] ?? [],
        (error) => (error instanceof GraphFault && error.side === side ? error.outputs : []),
      );
      const from = outputs[side].find((name) => names.includes(name)) ?? names[0] ?? '';
      try {
        for (const to of names.filter((name) => name !== from)) {
          outputs = { ...spec.outputs, [side]: [to] };
          loaded = undefined;
          if (await confirms().catch(() => false)) return { from, to };
        }
        return undefined;
      } finally {
        outputs = spec.outputs;
        loaded = undefined;
      }
    },
  };
}
