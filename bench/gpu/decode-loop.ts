import { crop } from '../../models/pixels/preprocess.ts';
import { benchPhotos } from '../../testing/images/resized.ts';

/** A process that decodes images for the number of seconds in each message, and replies with images per second. */
const photos = await benchPhotos();
const options = {
  recipe: { size: 224, resize: 'crop', filter: 'bicubic', rgb: 'after-resize' },
  maxPixels: 50_000_000,
} as const;
process.on('message', async (seconds: number) => {
  const until = performance.now() + seconds * 1000;
  const start = performance.now();
  let done = 0;
  const loop = async () => {
    for (; performance.now() < until; done++) await crop(photos[done % photos.length] ?? Buffer.alloc(0), options);
  };
  await Promise.all([loop(), loop()]);
  process.send?.((done * 1000) / (performance.now() - start));
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
