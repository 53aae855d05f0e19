import sharp from 'sharp';
import { crop } from '../../models/pixels/preprocess.ts';
import { median } from '../../testing/statistics.ts';

export interface CropRequest {
  format: 'jpeg' | 'png' | 'webp';
  width: number;
  height: number;
  /** The number of measured rounds. Each round runs every method once. */
  rounds: number;
}

/** The median times of one method for an image, in ms. */
export interface CropTimes {
  wallMs: number;
  cpuMs: number;
}

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
const methods = {
  decode: (bytes: Buffer) => sharp(bytes, { sequentialRead: true, ignoreIcc: true }).removeAlpha().raw().toBuffer(),
  exact: (bytes: Buffer) => crop(bytes, { ...options, mode: 'exact' }),
  fast: (bytes: Buffer) => crop(bytes, { ...options, mode: 'fast' }),
};
export type CropMethod = keyof typeof methods;

async function measure({ rounds, ...image }: CropRequest): Promise<Record<CropMethod, CropTimes>> {
  const bytes = await encode(image);
  const times: Record<CropMethod, CropTimes[]> = { decode: [], exact: [], fast: [] };
  for (let round = -warmUps; round < rounds; round++) {
    for (const method of Object.keys(methods) as CropMethod[]) {
      const [start, cpu] = [performance.now(), process.cpuUsage()];
      await methods[method](bytes);
      const { user, system } = process.cpuUsage(cpu);
      if (round >= 0) times[method].push({ wallMs: performance.now() - start, cpuMs: (user + system) / 1000 });
    }
  }
  const medianOf = (method: CropMethod): CropTimes => ({
    wallMs: median(times[method].map(({ wallMs }) => wallMs)),
    cpuMs: median(times[method].map(({ cpuMs }) => cpuMs)),
  });
  return { decode: medianOf('decode'), exact: medianOf('exact'), fast: medianOf('fast') };
}

function encode({ format, width, height }: Omit<CropRequest, 'rounds'>): Promise<Buffer> {
  const path = new URL('../../examples/photos/alpine.jpg', import.meta.url).pathname;
  const image = sharp(path).resize(width, height, { fit: 'cover' });
  // A low effort (2 of 6) encodes faster. The time for encoding is not part of the measurement.
  return (
    format === 'webp' ? image.webp({ effort: 2 }) : image.toFormat(format, format === 'png' ? {} : { quality: 85 })
  ).toBuffer();
}

/**
 * The entry point of a process that only decodes, as a decoder of the service does. In a process with a large heap the
 * times would be longer: V8 collects garbage after each large image, and its cost grows with the heap.
 */
process.on('message', async (request: CropRequest) => process.send?.(await measure(request)));
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
