import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type Allowed,
  allowedBy,
  biasOf,
  cosineOf,
  type GoldenFile,
  hasSameIds,
  hasSameProbability,
  idsInWords,
  probabilityInWords,
  readGoldenFile,
} from '../encoder/golden-file.ts';
import { GraphFault } from '../encoder/session-shapes.ts';
import type { ImageRecipe, ModelSpec, TextRecipe } from '../model.ts';
import { type Measured, type Measuring, startMeasuring } from './measure.ts';
import { type Change, imageVariants, textVariants, type Variant } from './variants.ts';

/** A cause of a difference from the golden values: a recipe change that reproduces them, or another fault. */
export interface Finding extends Change {
  side: 'image' | 'text' | 'model';
}

/** The comparison of a model with its golden values, which another program computed. */
export interface ParityReport {
  state: 'agrees' | 'differs';
  /** The program that made the golden values. */
  source: string;
  /**
   * `compared` counts embeddings. `lowest` is their lowest cosine with the golden values; null when there is none or
   * the encoder does not run.
   */
  images: { compared: number; lowest: number | null };
  texts: { compared: number; lowest: number | null };
  /** `largest` is the largest difference between the cosine of a pair and its golden value. */
  pairs: { compared: number; largest: number | null };
  findings: Finding[];
}

/**
 * Compares a model with its golden values. If they differ, it tries other recipes until one reproduces the values.
 * @throws {Error} when the model cannot be loaded.
 */
export async function checkParity(spec: ModelSpec, goldenPath: string): Promise<ParityReport> {
  const golden = await readGoldenFile(goldenPath);
  const allowed = allowedBy(golden, spec.precision, spec.provider);
  const names = new Set([...golden.images, ...golden.pairs].map(({ image }) => image));
  const bytes = new Map<string, Buffer>();
  for (const name of names) bytes.set(name, await readFile(join(dirname(goldenPath), name)));
  const texts = [...new Set([...golden.texts, ...golden.pairs].map(({ text }) => text))];
  const measuring = await startMeasuring(spec, bytes, texts);
  const judged = { golden, allowed };

  const images = await measuring.images(spec.image).catch(asFault);
  const own = { images, texts: await measuring.texts(spec.text).catch(asFault) };
  const findings = [...(await faultsOf(own, spec, measuring, judged)), ...probabilityFinding(spec, golden)];
  const distances = distancesOf(judged, own);
  // `findings` already contains the encoders that do not run.
  if (!(own.images instanceof Error) && distances.images > allowed.image) {
    findings.push(...(await imageFindings(spec, measuring, judged)));
  }
  if (!(own.texts instanceof Error) && distances.texts > allowed.text) {
    findings.push(...(await textFindings(spec, measuring, judged)));
  }
  // Wrong token ids may change embeddings by less than the tolerance.
  if (findings.every(({ side }) => side !== 'text')) findings.push(...(await idFindings(spec, measuring, judged)));
  // Cosines of pairs do not show which encoder differs, so they are examined only when nothing else was found.
  if (distances.pairs > allowed.cosine && findings.length === 0) {
    findings.push(...(await pairFindings(spec, measuring, judged)));
  }
  const lowest = (distance: number, count: number) => (count === 0 || !Number.isFinite(distance) ? null : 1 - distance);
  return {
    state: findings.length === 0 ? 'agrees' : 'differs',
    source: golden.source,
    images: { compared: golden.images.length, lowest: lowest(distances.images, golden.images.length) },
    texts: { compared: golden.texts.length, lowest: lowest(distances.texts, golden.texts.length) },
    pairs: {
      compared: golden.pairs.length,
      largest: golden.pairs.length === 0 || !Number.isFinite(distances.pairs) ? null : distances.pairs,
    },
    findings,
  };
}

interface Judged {
  golden: GoldenFile;
  allowed: Allowed;
}
type Own = { images: Measured | Error; texts: Measured | Error };

const asFault = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/**
 * Returns a finding for each encoder that does not run. Two encoders in one graph share a finding, because they fail
 * with the same message.
 */
async function faultsOf({ images, texts }: Own, spec: ModelSpec, measuring: Measuring, judged: Judged) {
  const findings: Finding[] = [];
  for (const [side, result] of [['image', images] as const, ['text', texts] as const]) {
    if (!(result instanceof Error) || findings.some(({ from }) => from === result.message)) continue;
    if (!(result instanceof GraphFault)) findings.push({ side, cause: 'unknown', from: result.message, to: '' });
    else if (result.kind !== 'output') {
      findings.push({ side: result.side, cause: result.kind, from: result.message, to: '' });
    } else {
      const other = await otherOutput(result.side, spec, measuring, judged);
      findings.push({ side: result.side, cause: 'output', from: result.message, to: other?.to ?? '' });
    }
  }
  return findings;
}

/** Finds another output of an encoder's graph that reproduces the golden values. */
const otherOutput = (side: 'image' | 'text', spec: ModelSpec, measuring: Measuring, judged: Judged) =>
  measuring.otherOutput(side, async () =>
    side === 'image'
      ? imageDistance(judged, await measuring.images(spec.image)) <= judged.allowed.image
      : textDistance(judged, await measuring.texts(spec.text)) <= judged.allowed.text,
  );

/** Compares the scale and bias of probabilities, which are weights that a registry entry may state wrongly. */
function probabilityFinding({ probability }: ModelSpec, { probability: known }: GoldenFile): Finding[] {
  if (known === undefined || hasSameProbability(probability, known)) return [];
  const from = probabilityInWords(probability.scale, biasOf(probability));
  return [{ side: 'model', cause: 'probability', from, to: probabilityInWords(known.scale, known.bias) }];
}

const worst = (values: number[]): number => values.reduce((most, value) => (value > most ? value : most), 0);
/** Replaces NaN by infinity, so that NaN counts as a difference. */
const finite = (value: number): number => (Number.isNaN(value) ? Number.POSITIVE_INFINITY : value);

const distance = (measured: readonly Float32Array[], known: readonly number[]): number =>
  worst(measured.map((embedding) => finite(1 - cosineOf(embedding, known))));
const imageDistance = ({ golden }: Judged, images: Measured): number =>
  worst(golden.images.map(({ image, embedding }) => distance(images.of(image), embedding)));
const textDistance = ({ golden }: Judged, texts: Measured): number =>
  worst(golden.texts.map(({ text, embedding }) => distance(texts.of(text), embedding)));
const pairDistance = ({ golden }: Judged, images: Measured, texts: Measured): number =>
  worst(
    golden.pairs.flatMap(({ image, text, cosine }) =>
      images
        .of(image)
        .flatMap((left) => texts.of(text).map((right) => finite(Math.abs(cosineOf(left, right) - cosine)))),
    ),
  );

function distancesOf(judged: Judged, { images, texts }: Own) {
  return {
    images: images instanceof Error ? Number.POSITIVE_INFINITY : imageDistance(judged, images),
    texts: texts instanceof Error ? Number.POSITIVE_INFINITY : textDistance(judged, texts),
    pairs:
      images instanceof Error || texts instanceof Error
        ? Number.POSITIVE_INFINITY
        : pairDistance(judged, images, texts),
  };
}

/** @returns the changes of the first variant that reproduces the golden values. */
async function firstThat<Recipe>(
  variants: readonly Variant<Recipe>[],
  confirms: (recipe: Recipe) => Promise<boolean>,
): Promise<Change[] | undefined> {
  for (const { recipe, changes } of variants) {
    // A variant that cannot run, for example with more tokens than the graph has positions, does not reproduce the
    // values.
    if (changes.length > 0 && (await confirms(recipe).catch(() => false))) return changes;
  }
  return undefined;
}

const unexplained = (side: Finding['side'], from: string): Finding => ({ side, cause: 'unknown', from, to: '' });

async function imageFindings(spec: ModelSpec, measuring: Measuring, judged: Judged): Promise<Finding[]> {
  const isRight = (images: Measured) => imageDistance(judged, images) <= judged.allowed.image;
  const changes = await firstThat<ImageRecipe>(imageVariants(spec.image), async (recipe) =>
    isRight(await measuring.images(recipe)),
  );
  if (changes !== undefined) return changes.map((change) => ({ side: 'image', ...change }));
  const output = await otherOutput('image', spec, measuring, judged);
  if (output !== undefined) return [{ side: 'image', cause: 'output', ...output }];
  return [
    unexplained(
      'image',
      'no known preprocessing reproduces the golden image embeddings, so the weights or the vision model differ from the model that made the golden values',
    ),
  ];
}

async function textFindings(spec: ModelSpec, measuring: Measuring, judged: Judged): Promise<Finding[]> {
  const isRight = (texts: Measured) => textDistance(judged, texts) <= judged.allowed.text;
  const variants = textVariants(spec.text, measuring.endToken);
  const changes = await firstThat<TextRecipe>(variants, async (recipe) => isRight(await measuring.texts(recipe)));
  if (changes !== undefined) return changes.map((change) => ({ side: 'text', ...change }));
  const output = await otherOutput('text', spec, measuring, judged);
  if (output !== undefined) return [{ side: 'text', cause: 'output', ...output }];
  const tokenizer = await idFindings(spec, measuring, judged);
  if (tokenizer.length > 0) return tokenizer;
  return [
    unexplained(
      'text',
      'no known preprocessing reproduces the golden text embeddings, so the weights or the text model differ from the model that made the golden values',
    ),
  ];
}

/** Compares token ids with golden ids. Names a recipe change that produces the golden ids, else the tokenizer. */
async function idFindings(spec: ModelSpec, measuring: Measuring, { golden }: Judged): Promise<Finding[]> {
  const known = golden.texts.flatMap(({ text, ids }) => (ids === undefined ? [] : [{ text, ids }]));
  const differing = async (recipe: TextRecipe) => {
    for (const { text, ids } of known) {
      const own = await measuring.ids(text, recipe);
      if (!hasSameIds(own, ids, recipe.pad)) return { text, ids, own };
    }
    return undefined;
  };
  const other = await differing(spec.text);
  if (other === undefined) return [];
  // With `end` as padding, the comparison accepts any padding id, so a variant with `end` would always seem to be
  // right.
  const variants = textVariants(spec.text, measuring.endToken).filter(
    ({ recipe }) => recipe.pad !== 'end' || spec.text.pad === 'end',
  );
  const changes = await firstThat<TextRecipe>(variants, async (recipe) => (await differing(recipe)) === undefined);
  if (changes !== undefined) return changes.map((change) => ({ side: 'text', ...change }));
  const from = `"${other.text.slice(0, 60)}" has the ids ${idsInWords(other.own)}`;
  return [{ side: 'text', cause: 'tokenizer', from, to: idsInWords(other.ids) }];
}

/** Cosines do not show which encoder differs, so variants of both are combined. */
async function pairFindings(spec: ModelSpec, measuring: Measuring, judged: Judged): Promise<Finding[]> {
  const measured = async <Recipe>(variants: readonly Variant<Recipe>[], run: (recipe: Recipe) => Promise<Measured>) => {
    const found: { changes: Change[]; embeddings: Measured }[] = [];
    for (const { recipe, changes } of variants) {
      const embeddings = await run(recipe).catch(() => undefined);
      if (embeddings !== undefined) found.push({ changes, embeddings });
    }
    return found;
  };
  const images = await measured(imageVariants(spec.image), measuring.images);
  const texts = await measured(textVariants(spec.text, measuring.endToken), measuring.texts);
  const both = images
    .flatMap((image) => texts.map((text) => ({ image, text })))
    .toSorted(
      (a, b) => a.image.changes.length + a.text.changes.length - b.image.changes.length - b.text.changes.length,
    );
  const found = both.find(
    ({ image, text }) => pairDistance(judged, image.embeddings, text.embeddings) <= judged.allowed.cosine,
  );
  if (found === undefined) {
    return [
      unexplained(
        'model',
        'no known preprocessing reproduces the golden cosines of pairs, so the weights or the tokenizer differ from the model that made the golden values',
      ),
    ];
  }
  return [
    ...found.image.changes.map((change): Finding => ({ side: 'image', ...change })),
    ...found.text.changes.map((change): Finding => ({ side: 'text', ...change })),
  ];
}
