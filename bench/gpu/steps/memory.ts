import { loadSessions, roomFor } from '../../../models/encoder/towers.ts';
import { pixelBytes } from '../../../models/model.ts';
import { readGpuMemory } from '../nvidia-smi.ts';
import { benchSpec, report, rounded, stepOptions } from '../step.ts';

/**
 * Measures the GPU memory during 10,000 runs of the vision and text models with random numbers of inputs, or until its
 * time is over.
 */
const options = stepOptions();
const spec = await benchSpec(options);
const sessions = await loadSessions(spec, 4);
const loadedMiB = readGpuMemory();
const runs = 10_000;
const pixels = new Uint8Array(64 * pixelBytes(spec.image)).map(() => Math.random() * 256);
const upTo = (most: number) => 1 + Math.floor(Math.random() * most);
const begin = performance.now();
const memoryMiB: Record<number, number | null> = { 0: loadedMiB };
for (let run = 1; run <= runs && performance.now() - begin < options.seconds * 1000; run++) {
  const count = upTo(64);
  if (run % 2 === 0)
    await sessions.images(pixels.subarray(0, roomFor(spec.provider, count) * pixelBytes(spec.image)), count);
  else
    await sessions.texts(Array.from({ length: count }, () => [49_406, ...new Array(upTo(75) - 1).fill(1000), 49_407]));
  if (run === 100 || run % 1000 === 0) {
    memoryMiB[run] = readGpuMemory();
    report({
      runs: run,
      memoryMiB,
      residentMiB: rounded(process.memoryUsage.rss() / 2 ** 20),
      seconds: rounded((performance.now() - begin) / 1000),
    });
  }
}
process.exit(0);
