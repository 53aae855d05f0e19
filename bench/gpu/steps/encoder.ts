import { loadSessions, roomFor } from '../../../models/encoder/towers.ts';
import { pixelBytes } from '../../../models/model.ts';
import { readGpuMemory } from '../nvidia-smi.ts';
import { benchSpec, report, rounded, stepOptions } from '../step.ts';

/**
 * Measures the vision model and the text model alone, each in one ONNX Runtime session. Reports images and texts per
 * second by number of inputs.
 */
const options = stepOptions();
const spec = await benchSpec(options);
const begin = performance.now();
const sessions = await loadSessions(spec, 4);
const result: Record<string, unknown> = { loadSeconds: rounded((performance.now() - begin) / 1000) };
const images: Record<string, number> = {};
for (const size of options.sizes) {
  const pixels = new Uint8Array(roomFor(spec.provider, size) * pixelBytes(spec.image)).map(() => Math.random() * 256);
  images[size] = await rate(size, () => sessions.images(pixels, size));
  report({ ...result, images, gpuMiB: readGpuMemory() });
}
const words = Array.from({ length: 10 }, (_, at) => 1000 + at);
const texts: Record<string, number> = {};
for (const size of [1, Math.max(...options.sizes)]) {
  const ids = Array.from({ length: size }, () => [49_406, ...words, 49_407]);
  texts[size] = await rate(size, () => sessions.texts(ids));
}
report({ ...result, images, texts, gpuMiB: readGpuMemory() });
process.exit(0);

async function rate(inputs: number, run: () => Promise<unknown>): Promise<number> {
  for (let warm = 0; warm < 3; warm++) await run();
  const start = performance.now();
  let runs = 0;
  while (performance.now() - start < options.seconds * 1000) {
    await run();
    runs++;
  }
  return rounded((runs * inputs * 1000) / (performance.now() - start));
}
