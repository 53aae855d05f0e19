import { type Installation, install } from '../../testing/processes/installation.ts';
import { readable } from '../../testing/readable.ts';
import { median } from '../../testing/statistics.ts';
import { type Figure, figure, least } from '../figures.ts';

/** The numbers of different images and texts. Each image forms a pair with each text. */
const images = 32;
const texts = 8;
const pairs = images * texts;

type Pair = ReturnType<Installation['pair']>;

/**
 * Compares batches with repeated images and texts with batches without, with the embedding cache off and on. The two
 * kinds alternate.
 */
export async function benchRepeats(quick: boolean, say: (line: string) => void): Promise<Figure[]> {
  const rounds = quick ? 3 : 7;
  const figures: Figure[] = [];
  for (const [id, megabytes, target] of [
    ['without-cache', 0, 4],
    ['with-cache', 64, 6],
  ] as const) {
    say(`repeats: ${id}`);
    const installation = await install({ env: { MODEL: 'compact-1', EMBEDDING_CACHE_MB: String(megabytes) } });
    try {
      await installation.batch(pairs);
      const distinct: number[] = [];
      const repeated: number[] = [];
      for (let round = 0; round < rounds; round++) {
        distinct.push((await installation.batch(pairs)).seconds);
        repeated.push((await installation.evaluate(repeatedPairs(installation))).seconds);
      }
      const detail = `${readable(pairs / median(repeated))} / ${readable(pairs / median(distinct))} pairs/s, medians of ${rounds} rounds`;
      const name = `repeated / distinct pairs, ${megabytes === 0 ? 'no cache' : `cache of ${megabytes} MiB`}`;
      figures.push(figure(`repeats/${id}`, name, median(distinct) / median(repeated), '', detail, least(target)));
    } finally {
      await installation.close();
    }
  }
  return figures;
}

/** Returns new pairs, each image with each text, ordered by image. */
function repeatedPairs({ pair }: Installation): Pair[] {
  const fresh = Array.from({ length: images }, () => pair());
  return fresh.flatMap(({ image }) => fresh.slice(0, texts).map(({ text }) => ({ image, text })));
}
