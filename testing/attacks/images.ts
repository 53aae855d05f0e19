import { png } from '../images/bombs.ts';
import type { Attack } from './hostile.ts';

/** Attacks with images that are small to send and slow to decode. */
export const imageAttacks: Attack[] = [
  {
    name: 'interlaced',
    what: 'interlaced PNGs of 49 megapixels in 150 KB, as single requests and as batches of 16',
    async run({ every, send, post, ended }) {
      const image = png(7_000, 7_000, { interlaced: true }).toString('base64');
      let n = 0;
      const pair = () => ({ image, text: `thing ${n++}` });
      await Promise.all([
        every(4, { atOnce: 8 }, () => send('/v1/evaluation/single', JSON.stringify(pair()))),
        every(1, { atOnce: 2 }, async () => {
          const id = await post({ items: Array.from({ length: 16 }, pair) });
          if (id !== undefined) await ended(id);
        }),
      ]);
    },
  },
];
