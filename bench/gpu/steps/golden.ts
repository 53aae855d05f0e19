import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEncoder } from '../../../models/encoder/encoder.ts';
import { towerFile } from '../../../models/registry/layouts.ts';
import { goldenClip, goldenImage, specOf, tinyClipFolder } from '../../../testing/model-folders.ts';
import { toHalf } from '../../../testing/onnx/half.ts';
import { report, stepOptions } from '../step.ts';

/**
 * Compares cosines of tiny-clip, on this provider and precision, with those of OpenCLIP. Decoder processes decode the
 * images, as for an encoder on a GPU.
 */
const { provider, precision } = stepOptions();
const folder = mkdtempSync(join(tmpdir(), 'vls-golden-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
cpSync(tinyClipFolder, folder, { recursive: true });
if (precision === 'fp16') {
  for (const tower of ['vision', 'text'] as const) {
    writeFileSync(join(folder, towerFile(tower, 'fp16')), toHalf(readFileSync(join(folder, towerFile(tower, 'fp32')))));
  }
}
const spec = await specOf(folder, {
  provider,
  precision,
  preprocess: 'exact',
  visionPath: join(folder, towerFile('vision', precision)),
  textPath: join(folder, towerFile('text', precision)),
});
const encoder = await createEncoder({ spec, threads: 4, deviceId: 0, maxPixels: 50_000_000, decoders: 4 });
const texts = await Promise.all(goldenClip.texts.map(({ text }) => encoder.text(text, false)));
/** All images at the same time. Below, each is embedded alone for comparison. */
const batched = await Promise.all(
  goldenClip.images.map(({ file }) => encoder.image(goldenImage(file), { interactive: false })),
);
const errors: number[] = [];
let alone = 0;
for (const [row, { file }] of goldenClip.images.entries()) {
  const single = await encoder.image(goldenImage(file), { interactive: true });
  for (const [column, { embedding }] of texts.entries()) {
    const cosineOf = (image: Float32Array) =>
      image.reduce((sum, value, at) => sum + value * (embedding[at] ?? Number.NaN), 0);
    const cosine = cosineOf(batched[row]?.embedding ?? new Float32Array());
    errors.push(Math.abs(cosine - (goldenClip.cosine[row]?.[column] ?? Number.NaN)));
    alone = Math.max(alone, Math.abs(cosineOf(single.embedding) - cosine));
  }
}
const worst = Math.max(...errors);
const tolerance = precision === 'fp32' ? 1e-4 : 5e-3;
report({
  cosines: errors.length,
  worst,
  mean: errors.reduce((sum, value) => sum + value, 0) / errors.length,
  betweenAloneAndBatched: alone,
  tolerance,
  isWithin: worst <= tolerance,
});
process.exit(worst <= tolerance ? 0 : 1);
