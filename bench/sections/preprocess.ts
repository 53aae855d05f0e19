import { forkScript } from '../../testing/processes/forked.ts';
import { readable } from '../../testing/readable.ts';
import { type Figure, figure, most, type Target } from '../figures.ts';
import type { CropMethod, CropRequest, CropTimes } from '../measure/crop.ts';

const formats = ['jpeg', 'png', 'webp'] as const;

/**
 * The image sizes. Each round measures every compared method once. Larger images take longer, so they have fewer
 * rounds.
 */
const sizes = [
  { width: 640, height: 480, rounds: 60 },
  { width: 1600, height: 1200, rounds: 20 },
  { width: 4000, height: 3000, rounds: 7 },
];

/**
 * Compares the duration of the default preprocessing (`exact`) with two operations of libvips: decoding without a
 * resize, and its own resize, which shrinks large JPEGs during decoding.
 */
export async function benchPreprocess(quick: boolean, say: (line: string) => void): Promise<Figure[]> {
  const figures: Figure[] = [];
  const child = await forkScript('bench/measure/crop.ts');
  try {
    for (const { width, height, rounds } of sizes) {
      for (const format of formats) {
        const request: CropRequest = { format, width, height, rounds: quick ? Math.ceil(rounds / 4) : rounds };
        const times = await child.ask<Record<CropMethod, CropTimes>>(request);
        const name = `${width} x ${height} ${format}`;
        const walls = Object.entries(times).map(([method, { wallMs }]) => `${method} ${readable(wallMs)} ms`);
        say(`preprocess: ${name}: ${walls.join(', ')}`);
        const ratio = (id: string, to: Exclude<CropMethod, 'exact'>, title: string, bound: Target | undefined) =>
          figure(
            `preprocess/${width}x${height}/${format}/${id}`,
            `${name}: exact / ${title}`,
            // Everything runs on one thread, so CPU time is independent of other load on the machine.
            times.exact.cpuMs / times[to].cpuMs,
            '',
            `CPU time ${readable(times.exact.cpuMs)} / ${readable(times[to].cpuMs)} ms; elapsed time ${readable(times.exact.wallMs)} / ${readable(times[to].wallMs)} ms`,
            bound,
          );
        figures.push(
          ratio('over-fast', 'fast', "libvips' resize", width === 640 ? most(1.1) : undefined),
          ratio('over-decode', 'decode', 'bare decode', width === 4000 ? most(1.7) : undefined),
        );
      }
    }
  } finally {
    await child.stop();
  }
  return figures;
}
