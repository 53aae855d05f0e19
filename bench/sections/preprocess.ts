import sharp from 'sharp';
import { crop } from '../../models/pixels/preprocess.ts';
import { readable } from '../../testing/readable.ts';
import { median } from '../../testing/statistics.ts';
import { type Figure, figure, most, type Target } from '../figures.ts';

const formats = ['jpeg', 'png', 'webp'] as const;
type Format = (typeof formats)[number];

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
 * The number of unmeasured rounds at the start. During these rounds V8 optimises the resize code. Unoptimised code
 * takes several times as long.
 */
const warmUps = 3;
const options = {
  recipe: { size: 224, resize: 'crop', filter: 'bicubic', rgb: 'after-resize' },
  maxPixels: 50_000_000,
} as const;

/**
 * The compared methods that convert an encoded image to pixels. They alternate, so that other load on the machine
 * affects all of them equally.
 */
const ways = {
  decode: (bytes: Buffer) => sharp(bytes, { sequentialRead: true, ignoreIcc: true }).removeAlpha().raw().toBuffer(),
  exact: (bytes: Buffer) => crop(bytes, { ...options, mode: 'exact' }),
  fast: (bytes: Buffer) => crop(bytes, { ...options, mode: 'fast' }),
};
type Way = keyof typeof ways;
interface Turn {
  wallMs: number;
  cpuMs: number;
}

/**
 * Compares the duration of the default preprocessing (`exact`) with two operations of libvips: decoding without a
 * resize, and its own resize, which shrinks large JPEGs during decoding.
 */
export async function benchPreprocess(quick: boolean, say: (line: string) => void): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { width, height, rounds } of sizes) {
    for (const format of formats) {
      const turns = await measure(await imageOf(format, width, height), quick ? Math.ceil(rounds / 4) : rounds);
      const wall = medianOf(turns, 'wallMs');
      const cpu = medianOf(turns, 'cpuMs');
      const name = `${width} x ${height} ${format}`;
      say(
        `preprocess: ${name}: ${(Object.keys(ways) as Way[]).map((way) => `${way} ${readable(wall[way])} ms`).join(', ')}`,
      );
      const ratio = (id: string, other: Exclude<Way, 'exact'>, title: string, bound: Target | undefined): Figure =>
        figure(
          `preprocess/${width}x${height}/${format}/${id}`,
          `${name}: exact / ${title}`,
          // Everything runs on one thread, so CPU time is independent of other load on the machine.
          cpu.exact / cpu[other],
          '',
          `CPU time ${readable(cpu.exact)} / ${readable(cpu[other])} ms; elapsed time ${readable(wall.exact)} / ${readable(wall[other])} ms`,
          bound,
        );
      figures.push(
        ratio('over-fast', 'fast', "libvips' resize", width === 640 ? most(1.1) : undefined),
        ratio('over-decode', 'decode', 'bare decode', width === 4000 ? most(1.7) : undefined),
      );
    }
  }
  return figures;
}

async function measure(bytes: Buffer, rounds: number): Promise<Record<Way, Turn[]>> {
  const turns: Record<Way, Turn[]> = { decode: [], exact: [], fast: [] };
  for (let round = -warmUps; round < rounds; round++) {
    for (const way of Object.keys(ways) as Way[]) {
      const [start, cpu] = [performance.now(), process.cpuUsage()];
      await ways[way](bytes);
      const { user, system } = process.cpuUsage(cpu);
      if (round >= 0) turns[way].push({ wallMs: performance.now() - start, cpuMs: (user + system) / 1000 });
    }
  }
  return turns;
}

const medianOf = (turns: Record<Way, Turn[]>, clock: keyof Turn): Record<Way, number> => ({
  decode: median(turns.decode.map((turn) => turn[clock])),
  exact: median(turns.exact.map((turn) => turn[clock])),
  fast: median(turns.fast.map((turn) => turn[clock])),
});

function imageOf(format: Format, width: number, height: number): Promise<Buffer> {
  const path = new URL('../../examples/photos/alpine.jpg', import.meta.url).pathname;
  const image = sharp(path).resize(width, height, { fit: 'cover' });
  // A low effort (2 of 6) encodes faster. The time for encoding is not part of the measurement.
  return (
    format === 'webp' ? image.webp({ effort: 2 }) : image.toFormat(format, format === 'png' ? {} : { quality: 85 })
  ).toBuffer();
}
