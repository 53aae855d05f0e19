import { availableParallelism } from 'node:os';
import { createDecoders } from '../../../models/decoder/decoders.ts';
import { shapeOf, thisMachine } from '../../../models/pool/shape.ts';
import { benchPhotos } from '../../../testing/images/resized.ts';
import { forkScript } from '../../../testing/processes/forked.ts';
import { sum } from '../../../testing/statistics.ts';
import { report, rounded, stepOptions } from '../step.ts';

/**
 * Measures how fast images of 0.3 megapixels are decoded: by independent processes, and by the decoder processes of one
 * encoder, as on a GPU machine.
 */
const { seconds, provider } = stepOptions();
const cropOptions = {
  recipe: { size: 224, resize: 'crop', filter: 'bicubic', rgb: 'after-resize' },
  maxPixels: 50_000_000,
} as const;

const members = await Promise.all(
  Array.from({ length: availableParallelism() }, () =>
    forkScript('bench/gpu/decode-loop.ts', [], { UV_THREADPOOL_SIZE: '2' }),
  ),
);
const rates = await Promise.all(members.map((member) => member.ask<number>(seconds)));
await Promise.all(members.map((member) => member.stop()));
const result = { processes: members.length, bare: rounded(sum(rates)) };
report(result);

const photos = await benchPhotos();
const { decoders: processes } = shapeOf(
  thisMachine(),
  { memoryBytes: 1e9, precision: 'fp16' },
  {},
  { provider: provider === 'cpu' ? 'cuda' : provider, devices: 1 },
);
const decoders = createDecoders({ ...cropOptions, processes });
let done = 0;
let until = Number.POSITIVE_INFINITY;
const loop = async (at: number) => {
  for (let index = at; performance.now() < until; index++, done++) {
    await decoders.crop(photos[index % photos.length] ?? Buffer.alloc(0), { interactive: false });
  }
};
const loops = Array.from({ length: 2 * processes }, (_, at) => loop(at));
// Waits until all decoders are warm.
while (done < 20 * processes) await new Promise((resolve) => setTimeout(resolve, 50));
const { user, system } = process.cpuUsage();
const [start, before] = [performance.now(), done];
until = start + seconds * 1000;
await Promise.all(loops);
const elapsed = (performance.now() - start) / 1000;
const used = process.cpuUsage();
const images = done - before;
report({
  ...result,
  decoders: processes,
  farm: rounded(images / elapsed),
  /** The CPU time in ms per image of the process that sends images to the decoders. */
  feederMsEach: rounded((used.user + used.system - user - system) / 1000 / images),
});
decoders.close();
process.exit(0);
